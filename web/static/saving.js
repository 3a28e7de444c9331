/** A view or a search goes in, the dialog that keeps it under a name comes out. */

import { send } from "./api.js";
import { byId, element, newId } from "./dom.js";

/** The name in an address that a label becomes. */
export const slug = (label) => label.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60);

/** Open the dialog. */
export function open(view) {
  const dialog = byId("save");
  const field = (label, input, help) => {
    input.id = newId("save");
    return element("div", { class: "field" }, element("label", { for: input.id }, label), input, help);
  };
  const label = element("input", { class: "input", name: "label", required: true, maxlength: 100, autocomplete: "off", value: view.saved ? view.report.label : "" });
  const about = element("input", { class: "input", name: "help", maxlength: 1000, autocomplete: "off", value: view.saved ? view.report.help : "" });
  const audience = element("select", { class: "input", name: "audience" }, element("option", { value: "operator" }, "Operators"), element("option", { value: "all" }, "Operators and customers"));
  const address = element("p", { class: "help" });
  const problem = element("p", { class: "problem", role: "alert" });
  const replace = element("label", { class: "check", hidden: true }, element("input", { type: "checkbox", name: "replace" }), "Replace the one that is there");
  const spelled = () => (address.textContent = slug(label.value) ? `/reports/${slug(label.value)}` : "It becomes a report with an address of its own.");
  label.addEventListener("input", () => {
    spelled();
    problem.textContent = "";
    replace.hidden = !(view.saved && slug(label.value) === view.report.name);
  });
  const form = element("form", { method: "dialog", class: "form" },
    element("h2", {}, "Save view"),
    field("Name", label, address), field("What it tells", about), field("Who may ask it", audience), replace, problem,
    element("div", { class: "buttons" },
      element("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel"),
      element("button", { type: "submit", class: "button primary" }, "Save")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = slug(label.value);
    const body = { name, label: label.value.trim(), help: about.value.trim(), audience: audience.value, question: view.kept() };
    const again = replace.querySelector("input").checked && !replace.hidden;
    try {
      await (again ? send("PUT", `/views/${name}`, body) : send("POST", "/views", body));
    } catch (failure) {
      problem.textContent = [failure.message, failure.hint].filter(Boolean).join(": ");
      if (failure.code === "report_exists") replace.hidden = false;
      return;
    }
    const window = new URLSearchParams({ from: view.asked.from, to: view.asked.to });
    location.assign(`/reports/${name}?${window}`);
  });
  spelled();
  replace.hidden = !view.saved;
  replace.querySelector("input").checked = Boolean(view.saved);
  dialog.setAttribute("aria-label", "Save view");
  dialog.replaceChildren(form);
  dialog.showModal();
}
