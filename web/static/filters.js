/** A view goes in, the Filters panel comes out: a filter on any field, of any kind there is. */

import { byId, element, newId } from "./dom.js";
import * as words from "./words.js";

const OPERATORS = {
  in: "is any of", not_in: "is none of", eq: "is", ne: "is not", lt: "less than", le: "at most", gt: "more than", ge: "at least",
  between: "between", contains: "contains", starts_with: "begins with", is_null: "is missing", not_null: "is there",
};
const OF_TEXT = ["in", "not_in", "contains", "starts_with", "is_null", "not_null"];
const OF_NUMBERS = ["ge", "le", "gt", "lt", "between", "in", "not_in", "is_null", "not_null"];

/** Put the panel on the page; a column's funnel leads to its filter. */
export function mount(view, table) {
  const panel = byId("filters-panel");
  const list = element("div", { class: "filters" });
  const add = element("select", { class: "input", id: newId("filter") });
  const groups = [["Dimensions", view.catalog.dimensions], ["Measures", view.catalog.measures]];
  add.append(element("option", { value: "" }, "Choose a field…"), ...groups.map(([label, fields]) => element("optgroup", { label }, fields.map((field) => element("option", { value: field.name }, field.label)))));
  const open = []; // fields whose filter is begun and says nothing yet
  const begin = (name) => {
    if (!open.includes(name) && !view.draft.where.some((clause) => clause.field === name)) open.push(name);
    draw();
    [...list.querySelectorAll("[data-field]")].find((each) => each.dataset.field === name)?.querySelector("input, select")?.focus();
  };
  add.addEventListener("change", () => {
    if (add.value) begin(add.value);
    add.value = "";
  });

  const draw = () => {
    const shown = [...view.draft.where, ...open.filter((name) => !view.draft.where.some((clause) => clause.field === name)).map((field) => ({ field, op: null, values: [] }))];
    const key = JSON.stringify(shown.map(({ field, op }) => [field, op]));
    if (list.dataset.key === key && list.contains(document.activeElement)) return;
    list.dataset.key = key;
    list.replaceChildren(...view.fixed.map((clause) => fixed(view, clause)), ...shown.map((clause) => one(view, clause, open, draw)));
  };
  panel.append(list, element("div", { class: "field" }, element("label", { for: add.id }, "Add a filter"), add));
  view.addEventListener("draft", draw);
  table.addEventListener("menu", ({ detail: { column } }) => {
    view.look({ panel: "filters" });
    begin(column ? (column.measure ?? column.name) : view.asked.rows[0]);
  });
  draw();
}

const labelOf = (view, name) => view.field(name)?.label ?? name;

/** A filter that belongs to the report. */
function fixed(view, { field, op, values }) {
  return element("p", { class: "chip fixed" }, `${labelOf(view, field)} ${OPERATORS[op]} ${words.line(values)}`);
}

function one(view, clause, open, draw) {
  const field = view.field(clause.field);
  const text = field?.type === "string" || field?.type === "boolean";
  const known = text ? OF_TEXT : OF_NUMBERS;
  const label = labelOf(view, clause.field);
  const kinds = clause.op && !known.includes(clause.op) ? [clause.op, ...known] : known;
  const op = element("select", { class: "input", "aria-label": `How ${label} is filtered` }, kinds.map((each) => element("option", { value: each }, OPERATORS[each])));
  op.value = clause.op ?? kinds[0];
  const values = element("input", { class: "input", "aria-label": `Values of ${label}`, value: words.line(clause.values), placeholder: text ? "several with commas" : op.value === "between" ? "from,to" : "a number" });
  const bare = () => op.value === "is_null" || op.value === "not_null";
  let before = clause.op;
  const put = () => {
    values.hidden = bare();
    const where = view.draft.where.filter((each) => each.field !== clause.field || each.op !== before);
    const said = words.values(values.value).map((value) => value.trim());
    before = op.value;
    view.change({ where: said.length || bare() ? [...where, { field: clause.field, op: op.value, values: bare() ? [] : said }] : where });
  };
  op.addEventListener("change", put);
  values.addEventListener("change", put);
  values.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    put();
    view.ask();
  });
  values.hidden = bare();
  const away = element("button", { type: "button", class: "remove", "aria-label": `Remove the filter on ${label}` }, "×");
  away.addEventListener("click", () => {
    if (open.includes(clause.field)) open.splice(open.indexOf(clause.field), 1);
    view.change({ where: view.draft.where.filter((each) => each.field !== clause.field || each.op !== before) });
    draw();
  });
  return element("fieldset", { class: "filter", dataset: { field: clause.field } }, element("legend", {}, label), op, values, away);
}
