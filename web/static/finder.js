/** The Per Number page: what its server says of it goes in, the search is made, and its calls follow the search. */

import { calls } from "./api.js";
import { listed } from "./calls.js";
import * as controls from "./controls.js";
import * as detail from "./detail.js";
import { announce, byId, element, noted } from "./dom.js";
import * as filters from "./filters.js";
import { many, short } from "./format.js";
import { holds } from "./numbers.js";
import { spoken } from "./periods.js";
import * as question from "./question.js";
import { Search } from "./search.js";
import { States } from "./states.js";
import { Table } from "./table.js";
import * as unheard from "./unheard.js";

const PAGE = 500;
const search = new Search(JSON.parse(byId("page").textContent));
const table = new Table(byId("sheet"), search.report.label);
const states = new States({ cancel: () => asking.abort() });
const more = element("button", { type: "button", class: "button", hidden: true, onclick: () => next() }, `More: the next ${PAGE}`);
const details = element("button", { type: "button", class: "button plain", hidden: true, onclick: () => show(table.place.row) }, "Show details");
let asking = new AbortController();
let pages = [];

table.pressable = false; // newest first, whatever is shown
for (const part of [question, controls, filters]) part.mount(search, table);
search.addEventListener("draft", second);
search.addEventListener("asked", refresh);
search.addEventListener("look", () => pages.length && draw());
table.addEventListener("drill", (event) => show(event.detail.row));
table.addEventListener("place", () => (details.hidden = !table.place.row));
table.grid.addEventListener("click", (event) => event.target.closest("tbody th") && show(table.place.row));
second();
refresh();

/** The panel's own box of numbers is for a filter that came with the address, as from a cell of a report. */
function second() {
  const box = byId("filters-panel").querySelector(".numbers");
  if (box) box.hidden = !search.draft.where.some((clause) => holds(search, clause));
}

/** Look for what is asked now. */
async function refresh() {
  asking.abort();
  asking = new AbortController();
  pages = [];
  byId("foot").replaceChildren();
  unheard.clear(search);
  if (!search.whose) return states.replace("empty", "Whose calls?", "Paste numbers above, one a line; or choose a customer, or any filter.");
  if (search.tooLong(search.asked)) return limit();
  await next();
  if (pages.length) unheard.tell(search, pages, asking.signal);
}

/** Bring the newest calls, or those after what is here. */
async function next() {
  const { signal } = asking;
  more.disabled = true;
  states.asking();
  try {
    const cursor = pages.at(-1)?.next_cursor;
    const page = await calls({ ...search.question(), limit: PAGE, ...(cursor ? { cursor } : {}) }, { signal, onProgress: (told) => states.progress(told) });
    if (asking.signal !== signal) return;
    pages.push(page);
    draw();
    announce(told());
  } catch (failure) {
    if (asking.signal !== signal) return; // another search took its place
    if (failure.name === "AbortError") states.cancelled(pages.length > 0);
    else states.failed(failure);
  }
  more.disabled = false;
  states.over();
}

function draw() {
  const sheet = listed(pages, search.shown.columns);
  const last = pages.at(-1);
  more.hidden = !last.next_cursor;
  const read = pages.reduce((sum, page) => sum + page.rows_read, 0);
  const said = [told(), spoken(search.asked), search.asked.timezone, `${short(read)} rows read`];
  byId("foot").replaceChildren(...said.map((text) => element("span", {}, text)), more, details);
  if (!sheet.top.length) return nothing();
  states.table((last.warnings ?? []).map((warning) => warning.message));
  const focused = document.activeElement === more;
  table.show(sheet, [{ field: sheet.fields[0].name, descending: true }]);
  if (focused && more.hidden) table.focus();
  noted();
}

function told() {
  const count = pages.reduce((sum, page) => sum + page.rows.length, 0);
  return `${pages.at(-1).next_cursor ? "The newest " : ""}${many(count, "call")}${count > 1 ? ", newest first" : ""}`;
}

function way(label, patch) {
  return element("button", { type: "button", class: "button", onclick: () => search.ask(patch) }, label);
}

/** Nothing was found: say what could be looked for instead. */
function nothing() {
  const { numbers, side, where, from, to } = search.asked;
  const ways = [];
  if (numbers.length && side !== "any") ways.push(way("Look for them on any side", { side: "any" }));
  if (numbers.length && where.length) ways.push(way("Without the filters", { where: [] }));
  const { newest } = search.site;
  const before = newest && (newest < from.slice(0, 10) || newest >= to.slice(0, 10));
  states.replace("empty", numbers.length ? `No calls of ${numbers.length > 1 ? "these numbers" : numbers[0]}` : "No calls pass these filters", newest ? `${before ? "The window does not hold the newest call, which" : "The newest call"} is of ${newest}.` : "Nothing is loaded yet.", ...ways);
}

/** The window is longer than numbers are looked for. */
function limit() {
  const to = search.latest(search.asked);
  states.replace("failed", `Numbers are looked for in at most ${search.months} calendar months`, "Ask for one half year after the other, or filter without a number.", way(`Until ${to} (exclusive)`, { to }));
}

function show(row) {
  const rows = pages.flatMap((page) => page.rows);
  if (row) detail.show(pages[0].columns, rows, rows.indexOf(row.cells), search.columns);
}
