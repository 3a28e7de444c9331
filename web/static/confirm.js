/** What is about to be done goes in, a dialog that says so and does it comes out; what it gives is resolved. */

import { byId, element } from "./dom.js";
import { counted } from "./format.js";

/** A bar that shows how far long work is, and what tells it. */
export function steps() {
  const said = element("output", {}, "Beginning…");
  const bar = element("progress", { "aria-label": "How far it is" });
  const tell = ({ step, done, total }) => {
    said.textContent = `${step.replaceAll("_", " ")} ${counted(done)} of ${counted(total)}`;
    bar.max = Math.max(total, 1);
    bar.value = done;
  };
  return { element: element("p", { class: "step" }, said, bar), tell };
}

/**
 * Ask, then do it while the dialog shows how far it is; resolves to what `act(tell, form)` gives, or to undefined when
 * nobody wanted it. What fails is told in the dialog, and can be tried again. `fields` are put into the form.
 */
export function confirm({ title, says, fields = [], label, danger = false, act }) {
  const dialog = byId("confirm");
  const problem = element("p", { class: "notice bad", role: "alert", hidden: true });
  const place = element("div");
  const no = element("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel");
  const yes = element("button", { type: "submit", class: danger ? "button danger" : "button primary" }, label);
  const form = element("form", { method: "dialog" }, element("h2", { id: "confirm-title" }, title), ...says.map((text) => element("p", {}, text)), ...fields, problem, place, element("div", { class: "buttons" }, no, yes));
  dialog.setAttribute("aria-labelledby", "confirm-title");
  dialog.replaceChildren(form);
  return new Promise((resolve) => {
    let given;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const bar = steps();
      problem.hidden = true;
      yes.disabled = true;
      place.replaceChildren(bar.element);
      try {
        given = await act(bar.tell, new FormData(form));
        dialog.close();
      } catch (failure) {
        if (!failure.code) throw failure; // a mistake of ours
        problem.textContent = [failure.message, failure.hint].filter(Boolean).join(": ");
        problem.hidden = false;
      } finally {
        place.replaceChildren();
        yes.disabled = false;
      }
    });
    dialog.addEventListener("close", () => resolve(given), { once: true });
    dialog.showModal();
    no.focus();
  });
}

/** Show a part of the page again as the server tells it now. */
export async function renewed(id) {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  byId(id).replaceWith(document.adoptNode(page.getElementById(id)));
  return byId(id);
}
