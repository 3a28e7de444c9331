/** Days go in, a proof of them is made and told as it goes on; what differs is repaired when somebody says so. */

import { work } from "./api.js";
import { confirm, steps } from "./confirm.js";
import { announce, byId, element } from "./dom.js";
import { shifted } from "./periods.js";
import { result } from "./proof.js";

const page = JSON.parse(byId("page").textContent);
const form = byId("ask");
const prove = byId("prove");
const running = byId("running");
const problem = byId("problem");

/** The days of the form as the API takes them; an empty end is open. */
const days = () => ({ from: form.first.value || null, to: form.last.value ? shifted(form.last.value, 1) : null });

/** Show a proof; it stays until another one takes its place. */
function show(found, time) {
  byId("result").replaceChildren(...result(found, time, () => repair(found)));
}

function fail(failure) {
  if (!failure.code) throw failure; // a mistake of ours
  problem.textContent = [failure.message, failure.hint].filter(Boolean).join(": ");
  problem.hidden = false;
}

const now = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");

async function ask() {
  const ending = new AbortController();
  const bar = steps();
  const cancel = element("button", { type: "button", class: "button", onclick: () => ending.abort() }, "Cancel");
  bar.element.append(cancel);
  running.replaceChildren(bar.element);
  running.hidden = false;
  problem.hidden = true;
  prove.disabled = true;
  byId("result").setAttribute("aria-busy", "true");
  cancel.focus();
  try {
    show(await work("/verify", days(), { signal: ending.signal, onProgress: bar.tell }), now());
    byId("result").focus();
  } catch (failure) {
    if (failure.name === "AbortError") announce("Cancelled.");
    else fail(failure);
    prove.disabled = false;
    prove.focus();
  } finally {
    running.hidden = true;
    prove.disabled = false;
    byId("result").removeAttribute("aria-busy");
  }
}

async function repair({ from, to }) {
  const found = await confirm({
    title: "Repair what differs?",
    says: [`Days from ${from} to before ${to} are summed again from the ledger wherever they differ, and proven once more. Everybody goes on reading meanwhile.`],
    label: "Repair",
    act: (onProgress) => work("/verify", { from, to, repair: true }, { onProgress }),
  });
  if (!found) return;
  show(found, now());
  byId("result").focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
byId("everything").addEventListener("click", () => {
  form.first.value = form.last.value = "";
  ask();
});
if (page.proven) show(page.proven.result, page.proven.time);
else byId("result").replaceChildren(element("div", { class: "instead empty" }, element("h2", {}, "Nothing was proven since the server was started"), element("p", {}, "Prove compares every sum of these days with the calls themselves. Loads and reports go on meanwhile.")));
