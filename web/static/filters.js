/** A view goes in, the Filters panel comes out: a filter on any field, of any kind there is, and a box of numbers. */

import { byId, element, newId } from "./dom.js";
import { OPERATORS, filter, labelOf } from "./filter.js";
import * as numbers from "./numbers.js";
import * as words from "./words.js";

/** Put the panel on the page; `begin(name)` leads to the filter of a field. */
export function mount(view) {
  const list = element("div", { class: "filters" });
  const add = element("select", { class: "input", id: newId("filter") });
  const groups = [["Dimensions", view.catalog.dimensions], ["Measures", view.catalog.measures]];
  add.append(element("option", { value: "" }, "Choose a field…"), ...groups.map(([label, fields]) => element("optgroup", { label }, fields.map((field) => element("option", { value: field.name }, field.label)))));
  const open = []; // fields whose filter is begun and says nothing yet
  let mine = false;
  const draw = () => {
    const own = view.draft.where.filter((clause) => !numbers.holds(view, clause));
    const shown = [...own, ...open.filter((name) => !own.some((clause) => clause.field === name)).map((field) => ({ field, op: null, values: [] }))];
    const key = JSON.stringify([shown.map(({ field, op }) => [field, op]), view.fixed]);
    const stands = mine || (list.dataset.key === key && list.contains(document.activeElement));
    list.dataset.key = key;
    if (stands) return;
    const change = (patch) => {
      mine = true; // what a filter itself changes it shows already
      view.change(patch);
      mine = false;
    };
    const remove = (name, op) => {
      if (open.includes(name)) open.splice(open.indexOf(name), 1);
      add.focus(); // what was pressed is gone
      view.change({ where: view.draft.where.filter((each) => each.field !== name || each.op !== op) });
      draw();
    };
    list.replaceChildren(...view.fixed.map((clause) => fixed(view, clause)), ...shown.map((clause) => filter(view, clause, { change, remove })));
  };
  const begin = (name) => {
    if (!open.includes(name) && !view.draft.where.some((clause) => clause.field === name && !numbers.holds(view, clause))) open.push(name);
    draw();
    [...list.querySelectorAll("[data-field]")].find((each) => each.dataset.field === name)?.querySelector("select, input")?.focus();
  };
  add.addEventListener("change", () => {
    if (add.value) begin(add.value);
    add.value = "";
  });
  const box = numbers.box(view);
  byId("filters-panel").append(list, element("div", { class: "field" }, element("label", { for: add.id }, "Add a filter"), add), ...(box ? [box.element] : []));
  const all = () => {
    draw();
    box?.draw();
  };
  view.addEventListener("draft", all);
  all();
  return { begin };
}

/** A filter that belongs to the report. */
function fixed(view, { field, op, values }) {
  return element("p", { class: "chip fixed", title: "This belongs to the report" }, `${labelOf(view, field)} ${OPERATORS[op]} ${words.line(values)}`);
}
