/** A view goes in, the questions a tree of groups needs are asked, a sheet comes out; deeper levels when they are opened. */

import { query } from "./api.js";
import { OTHER, isQuotient } from "./format.js";
import { Sheet, keyOf } from "./sheet.js";

/** The most rows of one answer; those after them are asked for when they are wanted, or downloaded. */
export const MOST_ROWS = 10000;
/** So many come at first where the rest can come after them: the sooner there is a table. */
const FIRST_ROWS = 1000;

const isNothing = (value) => value === null || value === undefined;

/** Ask what the view shows, and below it the groups that are open. */
export async function load(view, options) {
  const { asked } = view;
  const flat = !asked.pivot;
  const fieldOf = (name) => view.field(name) ?? { name, label: name, type: "string" };
  const fields = asked.rows.map(fieldOf);
  const whole = flat || fields.length < 2 || eager(view);
  const depth = whole ? fields.length : 1;
  const nested = whole && !flat && fields.length > 1;
  const limit = flat || fields.length < 2 ? FIRST_ROWS : MOST_ROWS;
  const answer = plain(await query(question(view, depth, { totals: fields.length > 0, subtotals: nested, limit }), options));
  const sheet = new Sheet(answer, fields, { flat, shown: asked.measures, across: flat ? [] : asked.columns.map(fieldOf) });
  sheet.fetch = (paths, how) => below(view, asked, sheet, paths, how);
  if (nested) nest(sheet, answer, fields.length);
  else sheet.next = (how) => next(view, sheet, depth, how);
  await reopen(sheet, view.shown.expanded, options);
  return sheet;
}

/** Ask for the rows after those that are here: up to a full answer, then one more. They are of the same moment. */
async function next(view, sheet, depth, options) {
  const here = sheet.top.length;
  const { as_of: moment, question: asked } = sheet.answer;
  const ask = async (more) => plain(await query(question(view, depth, { offset: here, limit: here < MOST_ROWS ? MOST_ROWS - here : MOST_ROWS, sort: asked.sort, ...more }), options));
  const answer = await ask({});
  sheet.extend(answer.as_of.commit === moment.commit ? answer : await ask({ as_of: moment.time }));
}

/**
 * Whether groups have to be asked with all they hold: a filter on a measure chooses among the smallest groups, and
 * those that remain make up the larger ones. So does a cut to the top values.
 */
const eager = (view) => view.asked.top.length > 0 || view.asked.where.some((clause) => view.field(clause.field)?.kind === "measure");

function question(view, depth, more) {
  const asked = view.asked;
  const rows = asked.rows.slice(0, depth);
  const gone = new Set(asked.rows.slice(depth));
  const sort = asked.sort.filter((key) => !gone.has(key.field));
  return view.question({ rows, measures: measures(view), sort, limit: MOST_ROWS, ...more });
}

/** An answer whose rows name the rest of a dimension cut to its top in place of its value, not in a column beside it. */
function plain(answer) {
  const rests = new Map(answer.columns.flatMap((column, place) => (column.name.endsWith(".other") ? [[place, place - 1]] : [])));
  if (!rests.size) return answer;
  const row = (values) => values.map((value, place) => (values[place + 1] === true && rests.has(place + 1) ? OTHER : value)).filter((_, place) => !rests.has(place));
  return {
    ...answer,
    columns: answer.columns.filter((_, place) => !rests.has(place)),
    rows: answer.rows.map(row),
    subtotals: answer.subtotals?.map((each) => ({ ...each, row: row(each.row) })),
    totals: answer.totals && row(answer.totals),
  };
}

/** What is shown, and how many calls a quotient is about. */
function measures(view) {
  const shown = view.asked.measures;
  const needed = shown.some((name) => isQuotient(view.field(name)?.type)) && !shown.includes("attempts") && view.field("attempts");
  return needed ? [...shown, "attempts"] : shown;
}

/** Ask the groups below some of one level, in one question where that can be. */
async function below(view, asked, sheet, paths, options) {
  const depth = paths[0].length;
  const alone = paths.filter((path) => path.some(isNothing));
  const together = paths.filter((path) => !path.some(isNothing));
  const asks = [...alone.map((path) => [path]), ...(together.length ? [together] : [])];
  const families = new Map();
  for (const some of asks) {
    const own = Array.from({ length: depth }, (_, place) => clause(asked.rows[place], some.map((path) => path[place])));
    const sort = asked.sort.filter((key) => !key.field.includes("|") && !asked.rows.slice(depth + 1).includes(key.field));
    const answer = await query(question(view, depth + 1, { where: [...asked.where, ...own], sort }), options);
    const found = sheet.adopt(answer, depth);
    for (const path of some) families.set(keyOf(path), { rows: found.get(keyOf(path)) ?? [], missing: answer.truncated ? answer.total_rows - answer.row_count : 0 });
  }
  return families;
}

/** The filter for one dimension's values; null has an operator of its own. */
export function clause(field, values) {
  if (values.some(isNothing)) return { field, op: "is_null", values: [] };
  return { field, op: "in", values: [...new Set(values)].map((value) => (typeof value === "boolean" ? String(value) : value)) };
}

/** Make a tree of an answer that holds every level: its rows are the leaves, its subtotals what stands above them. */
function nest(sheet, answer, depth) {
  const leaves = sheet.top;
  const measures = answer.columns.slice(depth);
  const groups = new Map([[keyOf([]), { children: [] }]]);
  for (const { level, row } of answer.subtotals ?? []) {
    const group = sheet.row([...row.slice(0, level), ...row.slice(depth)], measures, level);
    group.children = [];
    groups.set(group.key, group);
  }
  for (const row of [...groups.values(), ...leaves]) if (row.path) groups.get(keyOf(row.path.slice(0, -1)))?.children.push(row);
  sheet.top = groups.get(keyOf([])).children;
  sheet.sort(answer.question.sort);
}

/** Open what was open before, level by level. */
async function reopen(sheet, expanded, options) {
  const wanted = new Set(expanded.map(keyOf));
  if (sheet.flat || !wanted.size) return;
  for (let rows = sheet.top; rows.length; ) {
    const open = rows.filter((row) => !row.leaf && wanted.has(row.key));
    if (!open.length) return;
    await unfold(sheet, open, options);
    rows = open.flatMap((row) => row.children ?? []);
  }
}

/** Open groups of one level, asking for what they hold unless that is there. */
export async function unfold(sheet, rows, options) {
  const missing = rows.filter((row) => !row.children);
  if (missing.length) {
    const families = await sheet.fetch(missing.map((row) => row.path), options);
    for (const row of missing) {
      const { rows: children, missing: truncated } = families.get(row.key);
      Object.assign(row, { children, truncated });
    }
  }
  for (const row of rows) row.open = true;
}
