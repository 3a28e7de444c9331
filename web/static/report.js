/** The report page: what its server says of it goes in, the view is made, and its table follows the view. */

import * as account from "./account.js";
import * as accounts from "./accounts.js";
import * as actions from "./actions.js";
import { searchOf, wordsOf } from "./cell.js";
import * as controls from "./controls.js";
import { announce, byId, element, noted } from "./dom.js";
import { first, view } from "./first.js";
import { counted, many } from "./format.js";
import { MOST_ROWS, load, unfold } from "./levels.js";
import { classes, matrix } from "./matrix.js";
import { States, empty, footer, warnings } from "./states.js";
import { Table } from "./table.js";

const table = new Table(byId("sheet"), view.report.label);
const states = new States({ cancel: () => asking.abort() });
const drill = element("button", { type: "button", class: "button plain", hidden: true, onclick: () => list(table.place) });
const more = element("button", { type: "button", class: "button plain", hidden: true, onclick: () => further() }, `Next ${counted(MOST_ROWS)} rows`);
/** What is beside and above the table is brought when it is opened, so that the table comes first. */
const PANELS = { columns: () => import("./fields.js"), filters: () => import("./filters.js"), options: () => import("./options.js") };
const panels = new Map();
let { asking } = first;
let sheet = null;
let chart = null; // what draws it, once it is wanted

table.fewest = view.site.min_calls;
table.filtered = (field) => view.asked.where.some((clause) => clause.field === field);
for (const part of [controls, actions, account, accounts]) part.mount(view, table);
view.addEventListener("look", () => open());
view.addEventListener("asked", ask);
table.addEventListener("sort", (event) => sort(event.detail));
table.addEventListener("toggle", (event) => toggle(event.detail.row));
table.addEventListener("drill", (event) => list(event.detail));
table.addEventListener("menu", (event) => filter(event.detail.column));
table.addEventListener("place", () => offer());
first.told = (progress) => states.progress(progress);
follow(first.sheet);

/** Ask what the view says now, and draw the answer. */
function ask() {
  asking.abort();
  byId("foot").removeAttribute("aria-busy");
  asking = new AbortController();
  follow(load(view, { signal: asking.signal, onProgress: (progress) => states.progress(progress) }));
}

/** Tell how a question goes that is under way, and draw its answer. */
async function follow(answer) {
  const { signal } = asking;
  states.asking();
  try {
    const found = await answer;
    if (asking.signal !== signal) return;
    sheet = found;
    draw();
    if (coming()) further();
  } catch (failure) {
    if (asking.signal !== signal) return; // another question took its place
    if (failure.name === "AbortError") states.cancelled(sheet !== null);
    else states.failed(failure);
  }
  states.over();
  open();
}

/** Whether the rest of a full answer is still to come. */
const coming = () => Boolean(sheet.next) && sheet.answer.truncated && sheet.answer.row_count < MOST_ROWS;

function draw() {
  const { answer } = sheet;
  more.hidden = !sheet.next || !answer.truncated || coming();
  byId("foot").replaceChildren(...footer(sheet).map((text) => element("span", {}, text)), more, drill);
  if (!answer.rows.length) return empty(view, states);
  if (classes(sheet).length) return byClass(answer);
  states.table(warnings(sheet, coming()));
  table.ties = view.asked.sort.length || 1;
  table.show(sheet, answer.question.sort);
  noted();
  if (!coming()) announce(`${many(answer.row_count, "row")}.`);
}

/** A report by classes is read as a matrix. */
function byClass(answer) {
  drill.hidden = true;
  states.table(warnings(sheet, false), matrix(view, sheet, (clause, told) => list({ row: sheet.top[0], column: null }, clause, told)));
  noted();
  announce(`${many(classes(sheet).length, "class", "classes")}.`);
}

/** Bring the rows after those that are here: quietly what belongs to the first answer, else because somebody wants them. */
async function further() {
  const { signal } = asking;
  const asked = sheet;
  const quiet = coming();
  more.disabled = true;
  byId("foot").setAttribute("aria-busy", "true");
  if (!quiet) states.asking();
  try {
    await sheet.next({ signal, onProgress: (progress) => states.progress(progress) });
    if (sheet === asked && asking.signal === signal) draw();
  } catch (failure) {
    if (failure.name !== "AbortError" && asking.signal === signal) {
      if (quiet) states.table(warnings(sheet, false)); // what is there stays, and says that it is not all
      else states.failed(failure);
      more.hidden = false;
    }
  }
  more.disabled = false;
  if (asking.signal !== signal) return;
  byId("foot").removeAttribute("aria-busy");
  if (quiet) open();
  else states.over();
}

/** Bring what is open on the page beside its table; the table comes first. */
async function open() {
  const { panel } = view.shown;
  if (PANELS[panel] && !panels.has(panel)) panels.set(panel, PANELS[panel]().then((module) => module.mount(view)));
  if (view.shown.chart && !chart) chart = import("./chart.js").then(({ Chart }) => new Chart(view));
  if (sheet) (await chart)?.follow(sheet);
  return panels.get(panel);
}

/** Lead to the filter of a column. */
async function filter(column) {
  view.look({ panel: "filters" });
  (await open()).begin(column ? (column.measure ?? column.name) : view.asked.rows[0]);
}

/** Sort by a heading: here when every row is here, else by asking again. */
function sort({ column, additive }) {
  const fields = column ? [column.sort] : sheet.flat ? view.asked.rows.slice(0, 1) : view.asked.rows;
  const held = table.sorted.slice(0, table.ties).find((key) => key.field === fields[0]);
  const descending = held ? !held.descending : !(column?.text ?? true);
  const keys = fields.map((field) => ({ field, descending }));
  const before = additive ? view.asked.sort.filter((key) => !fields.includes(key.field)) : [];
  const asked = [...before, ...keys];
  const again = sheet.truncated;
  view.amend({ sort: asked }, { again });
  if (again) return;
  sheet.sort(asked);
  table.ties = asked.length;
  table.refresh(asked);
  open();
  announce(`Sorted by ${column?.label ?? "name"}, ${descending ? "descending" : "ascending"}.`);
}

async function toggle(row) {
  if (row.busy) return;
  if (row.open) row.open = false;
  else {
    Object.assign(row, { busy: true, problem: "" });
    table.touch(row);
    try {
      await unfold(sheet, [row], { signal: asking.signal });
    } catch (failure) {
      if (failure.name !== "AbortError") row.problem = failure.message;
    }
    row.busy = false;
  }
  view.look({ expanded: sheet.opened() });
  table.refresh();
  announce(row.open ? many(row.children.length, "row") : "Closed");
}

/** List the calls that a cell counts. */
async function list({ row, column }, clause = null, told = "") {
  if (!row) return;
  const page = !column && !clause && table.linkOf(row);
  if (page) return location.assign(page);
  const { show } = await import("./calls.js");
  const search = searchOf(view, sheet, row, column);
  if (clause) search.where = [...search.where, clause];
  show(search, told || wordsOf(view, sheet, row, column));
}

/** Offer the calls of the cell at hand to those who do not press Enter on it. */
function offer() {
  const { row, column } = table.place;
  drill.hidden = !row || Boolean(!column && table.linkOf(row));
  if (row) drill.textContent = `Show calls of ${wordsOf(view, sheet, row, column)}`;
}
