/** The report page: what its server says of it goes in, the view is made, and its table follows the view. */

import * as account from "./account.js";
import * as accounts from "./accounts.js";
import * as actions from "./actions.js";
import * as calls from "./calls.js";
import { searchOf, wordsOf } from "./cell.js";
import * as controls from "./controls.js";
import { announce, byId, element } from "./dom.js";
import * as fields from "./fields.js";
import * as filters from "./filters.js";
import { many } from "./format.js";
import { load, unfold } from "./levels.js";
import { States, empty, footer, warnings } from "./states.js";
import { Table } from "./table.js";
import { View } from "./view.js";

const view = new View(JSON.parse(byId("page").textContent));
const table = new Table(byId("sheet"), view.report.label);
const states = new States({ cancel: () => asking.abort() });
const drill = element("button", { type: "button", class: "button plain", hidden: true, onclick: () => open(table.place) });
let asking = new AbortController();
let sheet = null;

table.fewest = view.site.min_calls;
table.filtered = (field) => view.asked.where.some((clause) => clause.field === field);
for (const part of [controls, fields, filters, actions, account, accounts]) part.mount(view, table);
view.addEventListener("asked", refresh);
table.addEventListener("sort", (event) => sort(event.detail));
table.addEventListener("toggle", (event) => toggle(event.detail.row));
table.addEventListener("drill", (event) => open(event.detail));
table.addEventListener("place", () => offer());
refresh();

/** Ask what the view says now, and draw the answer. */
async function refresh() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  states.asking();
  try {
    const found = await load(view, { signal, onProgress: (progress) => states.progress(progress) });
    if (asking.signal !== signal) return;
    sheet = found;
    draw();
  } catch (failure) {
    if (asking.signal !== signal) return; // another question took its place
    if (failure.name === "AbortError") states.cancelled(sheet !== null);
    else states.failed(failure);
  }
  states.over();
}

function draw() {
  const { answer } = sheet;
  byId("foot").replaceChildren(...footer(sheet).map((text) => element("span", {}, text)), drill);
  if (!answer.rows.length) return empty(view, states);
  states.table(warnings(answer));
  table.ties = view.asked.sort.length || 1;
  table.show(sheet, answer.question.sort);
  performance.mark("drawn"); // benchmarks/browser.py asks when
  announce(`${many(answer.row_count, "row")}.`);
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

/** Open the calls that a cell counts. */
function open({ row, column }) {
  const page = row && !column && table.linkOf(row);
  if (page) location.assign(page);
  else if (row) calls.show(searchOf(view, sheet, row, column), wordsOf(view, sheet, row, column));
}

/** Offer the calls of the cell at hand to those who do not press Enter on it. */
function offer() {
  const { row, column } = table.place;
  drill.hidden = !row || Boolean(!column && table.linkOf(row));
  if (row) drill.textContent = `Show calls of ${wordsOf(view, sheet, row, column)}`;
}
