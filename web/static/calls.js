/** A search for calls goes in, a dialog that lists them comes out, more of them as long as there are any. */

import { send } from "./api.js";
import { byId, element } from "./dom.js";
import { downloads } from "./downloads.js";
import { isText, many } from "./format.js";
import { Row } from "./sheet.js";
import { Table } from "./table.js";
import * as words from "./words.js";

const PAGE = 500;
const LONGEST_ADDRESS = 16000;

/** Pages of calls as what the table draws: flat rows, named by when they began; `chosen` are the columns to show. */
export function listed(pages, chosen = null) {
  const { columns } = pages[0];
  return {
    flat: true,
    fields: [{ name: columns[0].name, type: columns[0].type }],
    grouped: 1,
    answer: { columns },
    columns: columns.slice(1).map((column, place) => ({ ...column, place: place + 1, text: isText(column.type), sort: column.name })).filter((column) => !chosen || chosen.includes(column.name)),
    top: pages.flatMap((page) => page.rows).map((row) => new Row([row[0]], row, { leaf: true, level: 1 })),
    visible() {
      return this.top;
    },
  };
}

/** A search as the words of an address. */
const wordsOf = (search) => words.written({ rows: null, columns: null, measures: null, sort: [], top: [], ...search }, { rows: null, columns: null, measures: null, where: [] });

/** Open the calls that `search` finds; `title` says of what they are. */
export async function show(search, title) {
  const dialog = byId("calls");
  const host = element("div", { class: "sheet calls" });
  const told = element("p", { class: "foot", role: "status" }, "Asking…");
  const more = element("button", { type: "button", class: "button", hidden: true }, `Next ${PAGE}`);
  const close = element("button", { type: "button", class: "button primary", onclick: () => dialog.close() }, "Close");
  const save = downloads("Download", (format) => ({ path: "/calls", words: wordsOf(search), body: search, file: `calls.${format}` }));
  const page = `/reports/per-number?${wordsOf(search)}`;
  const whole = element("a", { class: "button", href: page, hidden: page.length > LONGEST_ADDRESS }, "Open as a page");
  dialog.setAttribute("aria-label", `Calls: ${title}`);
  dialog.replaceChildren(element("header", { class: "title" }, element("h2", {}, `Calls: ${title}`), element("div", { class: "actions" }, whole, save, close)), host, element("div", { class: "title" }, told, more));
  dialog.showModal();
  close.focus();
  const table = new Table(host, `Calls: ${title}`);
  table.pressable = false; // newest first, and all that the cell counts
  const pages = [];
  const next = async () => {
    more.disabled = true;
    try {
      const page = await send("POST", "/calls", { ...search, limit: PAGE, ...(pages.length ? { cursor: pages.at(-1).next_cursor } : {}) });
      pages.push(page);
      draw(pages, table, told);
      more.hidden = !page.next_cursor;
    } catch (failure) {
      told.textContent = [failure.message, failure.hint].filter(Boolean).join(": ");
      told.classList.add("negative");
    }
    more.disabled = false;
  };
  more.addEventListener("click", next);
  await next();
}

function draw(pages, table, told) {
  const sheet = listed(pages);
  host(table, sheet.top.length > 0);
  if (sheet.top.length) table.show(sheet, [{ field: sheet.fields[0].name, descending: true }]);
  const last = pages.at(-1);
  told.textContent = sheet.top.length ? `${last.next_cursor ? "The newest " : ""}${many(sheet.top.length, "record")}, newest first` : "No calls";
}

const host = (table, any) => (table.grid.parentElement.hidden = !any);
