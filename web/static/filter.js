/** One clause of a view goes in, the fields it is changed by come out, as its field needs them. */

import { element } from "./dom.js";
import { select } from "./select.js";
import * as words from "./words.js";

/** What every operator is called. */
export const OPERATORS = {
  in: "is any of", not_in: "is none of", eq: "is", ne: "is not", lt: "less than", le: "at most", gt: "more than", ge: "at least",
  between: "between", contains: "contains", starts_with: "begins with", is_null: "is missing", not_null: "is there",
};
const OF_TEXT = ["in", "not_in", "contains", "starts_with", "is_null", "not_null"];
const OF_SWITCHES = ["in", "is_null", "not_null"];
const OF_NUMBERS = ["ge", "le", "gt", "lt", "between", "in", "not_in", "is_null", "not_null"];
const OF_MEASURES = OF_NUMBERS;
const BARE = ["is_null", "not_null"];
const SETS = ["in", "not_in", "eq", "ne"];

export const labelOf = (view, name) => view.field(name)?.label ?? name;

function operatorsOf(field) {
  if (field?.kind === "measure") return OF_MEASURES;
  if (field?.type === "string") return OF_TEXT;
  return field?.type === "boolean" ? OF_SWITCHES : OF_NUMBERS;
}

/** A fieldset for a clause, whose `op` is null when it is just begun; `change(patch)` changes the view, `remove(field, op)` takes it away. */
export function filter(view, clause, { change, remove }) {
  const field = view.field(clause.field) ?? { name: clause.field, label: clause.field, type: "string" };
  const known = operatorsOf(field);
  const label = field.label;
  const kinds = clause.op && !known.includes(clause.op) ? [clause.op, ...known] : known;
  const op = element("select", { class: "input", "aria-label": `How ${label} is filtered` }, kinds.map((each) => element("option", { value: each }, OPERATORS[each])));
  op.value = clause.op ?? kinds[0];
  const host = element("div", { class: "said" });
  let held = clause.op; // the operator under which the view has it
  let values = clause.values.map(String);
  const put = (said = values) => {
    values = said;
    const where = view.draft.where.filter((each) => each.field !== field.name || each.op !== held);
    const at = view.draft.where.findIndex((each) => each.field === field.name && each.op === held);
    held = op.value;
    const says = BARE.includes(held) ? [] : values;
    if (says.length || BARE.includes(held)) where.splice(at < 0 ? where.length : at, 0, { field: field.name, op: held, values: says });
    change({ where });
  };
  const draw = () => host.replaceChildren(...(BARE.includes(op.value) ? [] : inputs(view, field, op.value, values, put)));
  op.addEventListener("change", () => {
    if (op.value === "between" && values.length !== 2) values = [];
    draw();
    put();
  });
  draw();
  const away = element("button", { type: "button", class: "remove", "aria-label": `Remove the filter on ${label}`, onclick: () => remove(field.name, held) }, "×");
  return element("fieldset", { class: "filter", dataset: { field: field.name } }, element("legend", {}, label), op, host, away);
}

function inputs(view, field, op, values, put) {
  if (SETS.includes(op) && field.type === "string") return set(view, field, values, put);
  if (SETS.includes(op) && field.type === "boolean") return [flag(field, values, put)];
  if (op === "between") return range(view, field, values, put);
  const placeholder = field.type === "string" ? "text" : SETS.includes(op) ? "several with commas" : field.type === "date" ? "2026-10-01" : "a number";
  return typed(view, field, { label: `Values of ${field.label}`, value: words.line(values), placeholder }, (text) => put(SETS.includes(op) ? words.values(text).map((each) => each.trim()).filter(Boolean) : text ? [text] : []));
}

/** Values are searched on the server and ticked; those chosen stand below, each with its way out. */
function set(view, field, values, put) {
  let chosen = values;
  const chips = element("ul", { class: "chips" });
  const choose = (some) => {
    chosen = some.map(String);
    put(chosen);
    draw();
  };
  const box = select(field, { values: () => chosen, choose, within: () => ({ from: view.draft.from, to: view.draft.to }) });
  const without = (value) => {
    choose(chosen.filter((each) => each !== value));
    box.querySelector("button").focus(); // what was pressed is gone
  };
  const draw = () => {
    box.draw();
    chips.hidden = chosen.length < 2;
    chips.replaceChildren(...chosen.map((value) => element("li", {}, element("button", { type: "button", class: "chip", "aria-label": `Without ${value}`, onclick: () => without(value) }, value || "(none)", element("span", { "aria-hidden": "true" }, "×")))));
  };
  draw();
  return [box, chips];
}

function flag(field, values, put) {
  const box = element("select", { class: "input", "aria-label": `Values of ${field.label}` }, [["", "Choose…"], ["true", "yes"], ["false", "no"]].map(([value, label]) => element("option", { value }, label)));
  box.value = values[0] ?? "";
  box.addEventListener("change", () => put(box.value ? [box.value] : []));
  return box;
}

function range(view, field, values, put) {
  const ends = [values[0] ?? "", values[1] ?? ""];
  const end = (place, word) => typed(view, field, { label: `${word} of ${field.label}`, value: ends[place], placeholder: word.toLowerCase() }, (text) => {
    ends[place] = text;
    put(ends.every(Boolean) ? [...ends] : []);
  });
  return [...end(0, "From"), ...end(1, "To")];
}

/** A text field; Enter asks at once, and what cannot be a number is marked and not taken. */
function typed(view, field, { label, value, placeholder }, take) {
  const counts = field.type !== "string" && field.type !== "instant";
  const input = element("input", { class: "input", type: field.type === "date" ? "date" : "text", inputmode: counts && field.type !== "date" ? "decimal" : null, "aria-label": label, value, placeholder, autocomplete: "off", spellcheck: "false" });
  const problem = element("p", { class: "problem", role: "alert", hidden: true }, "Not a number");
  const fits = () => !counts || field.type === "date" || words.values(input.value).every((each) => each.trim() !== "" && Number.isFinite(Number(each)));
  const put = () => {
    const good = fits();
    input.setAttribute("aria-invalid", String(!good));
    problem.hidden = good;
    if (good) take(input.value.trim());
    return good;
  };
  input.addEventListener("change", put);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && put()) view.ask();
  });
  return [input, problem];
}
