/** A cell of the table goes in, the search for the calls it counts and its name in words come out. */

import { NONE, OTHER, named } from "./format.js";
import { clause } from "./levels.js";
import { shifted } from "./periods.js";

/**
 * The calls behind a cell: those of its row's groups and its column's values, within what is asked.
 * A cell of the period before leads to that window. Its calls stand beside those of later days, and are found on their own.
 * A filter on a measure chose groups, so it is left out: the row at hand is one it let pass.
 */
export function searchOf(view, sheet, row, column) {
  const { asked } = view;
  const where = new Map();
  const own = view.fixed.filter((clause) => !view.bound.includes(clause));
  for (const each of [...own, ...asked.where]) {
    if (view.field(each.field)?.kind !== "measure") where.set(`${each.field}.${each.op}`, each);
  }
  const narrow = (field, filter) => {
    for (const key of [...where.keys()]) if (key.startsWith(`${field}.`)) where.delete(key);
    where.set(`${field}.${filter.op}`, filter);
  };
  const earlier = column?.aspect === "previous" ? sheet.answer.compared : null;
  const then = (name, value) => (earlier ? moved(name, value, asked, earlier) : value);
  row.path.forEach((told, place) => {
    const { name } = sheet.fields[place];
    const value = then(name, told);
    if (value !== undefined) narrow(name, value === OTHER ? { field: name, op: "not_in", values: namedAt(sheet, place) } : clause(name, [value]));
  });
  for (const [field, told] of Object.entries(column?.pivot ?? {})) {
    const value = then(field, told);
    if (value !== undefined) narrow(field, column.other?.includes(field) ? { field, op: "not_in", values: topOf(sheet, field) } : clause(field, [value]));
  }
  for (const clause of view.bound) where.set(`bound ${clause.field}`, clause); // whatever a row says, it is of this page
  // a window alone is too much to ask for: every record has an attempt
  if (!where.size) where.set("attempt.ge", { field: "attempt", op: "ge", values: [1] });
  const { timezone, calls, currency, as_of } = asked;
  const { from, to } = earlier ?? asked;
  const said = { from, to, timezone, calls, currency, as_of, where: [...where.values()] };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value != null));
}

const MOVED = new Set(["minute15", "hour", "day", "week", "month", "quarter", "year"]);
const days = ({ from, to }) => (Date.parse(to) - Date.parse(from)) / 86400000;

/** A value as it was in the period before; undefined for a time that has none there of its own, as in a longer month. */
function moved(name, value, now, before) {
  if (!MOVED.has(name)) return value;
  if (name !== "day" || value === null || days(now) !== days(before)) return undefined;
  return shifted(value, Math.round(days({ from: now.from, to: before.from })));
}

/** The values that rows have beside "Other". */
function namedAt(sheet, place) {
  const values = sheet.everything().map((each) => each.path[place]);
  return [...new Set(values)].filter((value) => value !== OTHER && value !== null && value !== undefined);
}

/** The values that stand beside "Other" in a dimension cut to its top. */
function topOf(sheet, field) {
  const values = sheet.columns.filter((column) => column.pivot && !column.other?.includes(field)).map((column) => column.pivot[field]);
  return [...new Set(values)].filter((value) => value !== null);
}

/** What a cell is about, for people: `acme › India · 2026-10-05`. */
export function wordsOf(view, sheet, row, column) {
  const groups = row.path.map((value, place) => named(value, sheet.fields[place]));
  const across = Object.entries(column?.pivot ?? {}).map(([field, value]) => (column.other?.includes(field) ? "Other" : value === null ? NONE : named(value, view.field(field) ?? { type: "string" })));
  return [groups.join(" › "), ...across, ...(column?.aspect === "previous" ? ["the period before"] : [])].filter(Boolean).join(" · ") || "all";
}
