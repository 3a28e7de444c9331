/** The report page: what its server says of it goes in, the view is made, and its table follows the view. */

import * as controls from "./controls.js";
import { announce, byId, element } from "./dom.js";
import { many } from "./format.js";
import { load, unfold } from "./levels.js";
import { States, footer } from "./states.js";
import { Table } from "./table.js";
import { View } from "./view.js";

const view = new View(JSON.parse(byId("page").textContent));
const table = new Table(byId("sheet"), view.report.label);
table.fewest = view.site.min_calls;
let asking = new AbortController();
let sheet = null;
const states = new States({ cancel: () => asking.abort() });

for (const part of [controls]) part.mount(view);
refreshButton();
view.addEventListener("asked", refresh);
table.addEventListener("sort", (event) => sort(event.detail));
table.addEventListener("toggle", (event) => toggle(event.detail.row));
refresh();

async function refresh() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  states.asking();
  try {
    const found = await load(view, { signal, onProgress: (progress) => states.progress(progress) });
    if (signal.aborted) return;
    sheet = found;
    draw();
  } catch (failure) {
    if (asking.signal !== signal) return; // another question took its place
    if (failure.name === "AbortError") cancelled();
    else failed(failure);
  }
  states.over();
}

function draw() {
  const { answer } = sheet;
  if (!answer.rows.length) return empty();
  states.table([...truncated(answer), ...answer.warnings.map((warning) => warning.message)]);
  table.ties = view.asked.sort.length || 1; // the keys after those only decide between equals
  table.show(sheet, answer.question.sort);
  byId("foot").replaceChildren(...footer(sheet).map((text) => element("span", {}, text)));
  announce(`${many(answer.row_count, "row")}.`);
}

const truncated = (answer) => (answer.truncated ? [`The first ${many(answer.row_count, "row")} of ${answer.total_rows.toLocaleString("en")}; totals are over all, and a download has them all`] : []);

function empty() {
  const filtered = view.asked.where.length > 0;
  const { newest } = view.site;
  const week = (day) => {
    const to = new Date(`${day}T00:00:00Z`);
    const shifted = (days) => new Date(to.getTime() + days * 86400000).toISOString().slice(0, 10);
    return { from: shifted(-6), to: shifted(1) };
  };
  const ask = (label, patch) => element("p", {}, element("button", { type: "button", class: "button", onclick: () => view.ask(patch) }, label));
  if (!newest) states.replace("empty", "Nothing is loaded yet", "Load a file with tollhouse ingest FILE, or try make demo.");
  else if (filtered) states.replace("empty", "No calls pass these filters", `The newest call is of ${newest}.`, ask("Show this window without them", { where: [] }));
  else states.replace("empty", "No calls in this window", `The newest call is of ${newest}.`, ask("Show the week up to it", week(newest)));
  byId("foot").replaceChildren();
}

function failed(failure) {
  if (!failure.code) throw failure;
  const sentence = failure.message[0].toUpperCase() + failure.message.slice(1);
  states.replace("failed", sentence, ...(failure.hint ? [failure.hint[0].toUpperCase() + failure.hint.slice(1)] : []));
}

function cancelled() {
  announce("Cancelled.");
  if (!sheet) states.replace("empty", "Cancelled", "The question was ended before its answer. Refresh asks it again.");
}

function sort({ column, additive }) {
  const fields = column ? [column.sort] : view.asked.rows;
  const held = sheet.answer.question.sort.find((key) => key.field === fields[0]);
  const text = column ? column.text : true;
  const descending = held ? !held.descending : !text;
  const keys = fields.map((field) => ({ field, descending }));
  const sorted = additive ? [...view.asked.sort.filter((key) => !fields.includes(key.field)), ...keys] : keys;
  view.amend({ sort: sorted });
}

async function toggle(row) {
  if (row.busy) return;
  if (row.open) row.open = false;
  else {
    row.busy = true;
    table.touch();
    try {
      await unfold(sheet, [row], { signal: asking.signal });
    } catch (failure) {
      if (failure.name !== "AbortError") announce(failure.message);
    }
    row.busy = false;
  }
  const expanded = sheet.visible().filter((each) => each.open).map((each) => each.path);
  view.look({ expanded });
  table.refresh();
}

function refreshButton() {
  const button = element("button", { type: "button", class: "button primary", id: "refresh", onclick: () => view.ask() }, "Refresh");
  byId("actions").append(button);
  view.addEventListener("draft", () => button.classList.toggle("pending", view.pending));
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) view.ask();
  });
}
