/** A view goes in, the controls above the table come out: window and zone. */

import { byId, element, newId } from "./dom.js";

const FIELDS = [["from", "From"], ["to", "To (exclusive)"], ["timezone", "Time zone"]];

/** Put the controls on the page. */
export function mount(view) {
  const inputs = FIELDS.map(([word, label]) => {
    const id = newId(word);
    const input = element("input", { id, name: word, class: "input", autocomplete: "off", spellcheck: "false", size: 14 });
    input.addEventListener("input", () => view.change({ [word]: input.value.trim() }));
    return { word, input, field: element("div", { class: "field" }, element("label", { for: id }, label), input) };
  });
  const form = element("form", { class: "controls", "aria-label": "What is asked" }, inputs.map(({ field }) => field));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    view.ask();
  });
  form.append(element("button", { type: "submit", hidden: true, tabIndex: -1 }));
  byId("controls").replaceChildren(form);
  const draw = () => {
    for (const { word, input } of inputs) if (input !== document.activeElement) input.value = view.draft[word] ?? "";
  };
  view.addEventListener("draft", draw);
  draw();
}
