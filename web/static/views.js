/** The buttons of a list of views go in; a view gets another name or is deleted, which can be undone. */

import { send } from "./api.js";
import { confirm, renewed } from "./confirm.js";
import { byId, element, newId } from "./dom.js";

const ACTIONS = { rename, remove };

/** Tell what happened, with a button that undoes it. */
function told(text, undo) {
  const button = undo && element("button", { type: "button", class: "button plain", onclick: undo }, "Undo");
  byId("happened").replaceChildren(element("p", { class: "notice good" }, text, button));
  button?.focus();
}

function fail(failure) {
  if (!failure.code) throw failure; // a mistake of ours
  byId("happened").replaceChildren(element("p", { class: "notice bad", role: "alert" }, [failure.message, failure.hint].filter(Boolean).join(": ")));
}

function field(label, input) {
  input.id = newId("view");
  input.classList.add("input");
  return element("div", { class: "field" }, element("label", { for: input.id }, label), input);
}

async function rename(view) {
  const label = field("Name", element("input", { name: "label", required: true, maxlength: 100, autocomplete: "off", value: view.label }));
  const help = field("What it tells", element("input", { name: "help", maxlength: 1000, autocomplete: "off", value: view.help }));
  const audience = field("Who may ask it", element("select", { name: "audience" }, element("option", { value: "operator" }, "Operators"), element("option", { value: "all", selected: view.audience === "all" }, "Operators and customers")));
  const changed = await confirm({
    title: `Rename ${view.label}`,
    says: [`Its address stays /reports/${view.name}.`],
    fields: [label, help, audience],
    label: "Save",
    act: (_, form) => send("PATCH", `/views/${view.name}`, { label: form.get("label").trim(), help: form.get("help").trim(), audience: form.get("audience") }),
  });
  if (!changed) return false;
  await fresh();
  told(`${view.label} is now ${changed.label}. `);
  return true;
}

async function remove(view) {
  const gone = await confirm({
    title: `Delete ${view.label}?`,
    says: [`/reports/${view.name} will lead nowhere, also for others who use it.`],
    label: "Delete",
    danger: true,
    act: () => send("DELETE", `/views/${view.name}`),
  });
  if (!gone) return false;
  await fresh();
  const { name, label, help, audience, question } = gone;
  told(`${label} is deleted. `, async () => {
    try {
      await send("POST", "/views", { name, label, help, audience, question });
    } catch (failure) {
      fail(failure);
      return;
    }
    await fresh();
    told(`${label} is back. `);
  });
  return true;
}

const fresh = async () => mount(await renewed("views"));

function mount(part) {
  const kept = JSON.parse(byId("kept").textContent);
  for (const button of part.querySelectorAll("[data-do]")) {
    const view = kept[button.closest("[data-view]").dataset.view];
    button.addEventListener("click", async () => {
      if (!(await ACTIONS[button.dataset.do](view))) button.focus();
    });
  }
}

mount(byId("views"));
