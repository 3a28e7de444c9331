/** The one row of a report by classes goes in, the matrix people know comes out: classes down; calls, connected, duration across. */

import { textOf } from "./columns.js";
import { element } from "./dom.js";

const ACROSS = [["", "Calls"], ["_connected", "Connected"], ["_duration", "Duration"]];
/** Which calls a class counts, as a filter. */
const FIELD = { intralata: "jurisdiction_lata", interlata: "jurisdiction_lata" };
const CLASSES = ["intrastate", "interstate", "indeterminate", "international", "toll_free", "intralata", "interlata"];

/** The classes of a sheet that come with calls, connected calls and duration, in order; empty for most sheets. */
export function classes(sheet) {
  if (sheet.fields.length || sheet.columns.some((column) => column.pivot || column.aspect)) return [];
  const names = new Set(sheet.columns.map((column) => column.sort));
  return sheet.columns.map((column) => column.sort).filter((name) => ACROSS.every(([ending]) => names.has(name + ending)));
}

/**
 * The matrix of a sheet that has classes. `list(clause, words)` shows the calls of one of them; `view` tells whether the
 * field that tells classes apart is the caller's.
 */
export function matrix(view, sheet, list) {
  const found = classes(sheet);
  const columns = new Map(sheet.columns.map((column) => [column.sort, column]));
  const [row] = sheet.top;
  const cell = (name) => element("td", { class: zero(row, columns.get(name)) }, textOf(row, columns.get(name)));
  const count = (name) => {
    const column = columns.get(name);
    const field = FIELD[name] ?? "jurisdiction";
    const counts = row.cells[column.place] > 0 && CLASSES.includes(name) && view.field(field) && sheet.answer.indeterminate_as === "indeterminate";
    if (!counts) return cell(name);
    const words = textOf(row, column);
    return element("td", { class: "number" }, element("button", { type: "button", class: "button plain", "aria-label": `${words}: show calls of ${column.label}`, onclick: () => list({ field, op: "in", values: [name] }, column.label) }, words));
  };
  const across = (name) => ACROSS.map(([ending]) => (ending ? cell(name + ending) : count(name)));
  const rest = sheet.columns.filter(({ sort: name }) => !found.some((each) => ACROSS.some(([ending]) => name === each + ending)));
  const total = rest.find((column) => column.sort === "total_duration");
  const head = (text, scope = "row") => element("th", { scope, class: scope === "col" && text ? "number" : null }, text);
  const top = element("table", { class: "table" },
    element("thead", {}, element("tr", {}, element("td"), ...ACROSS.map(([, label]) => head(label, "col")))),
    element("tbody", {}, found.map((name) => element("tr", {}, head(columns.get(name).label), ...across(name)))),
    total && element("tfoot", {}, element("tr", {}, head(total.label), element("td"), element("td"), cell(total.sort))));
  const others = rest.filter((column) => column !== total);
  const below = others.length > 0 && element("table", { class: "table", "aria-label": "Other figures" },
    element("tbody", {}, others.map((column) => element("tr", {}, element("th", { scope: "row" }, column.label, column.unit === "calls" && element("span", { class: "unit" }, " calls")), count(column.sort)))));
  top.setAttribute("aria-label", view.report.label);
  return [top, below].filter(Boolean);
}

const zero = (row, column) => (row.cells[column.place] === 0 || row.cells[column.place] === "0.00" ? "number zero" : "number");
