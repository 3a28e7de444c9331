/** A row of a sheet goes in, its line of cells comes out; lines and cells that scroll out of sight are written anew. */

import { labelOf, textOf } from "./columns.js";
import { element } from "./dom.js";
import { counted, isQuotient } from "./format.js";

// Made once, then copied: that is quicker than to make each.
const LINE = element("tr", { role: "row" }, element("th", { role: "rowheader", scope: "row", tabindex: -1, "aria-colindex": 1 }));
const CELL = element("td", { role: "gridcell", tabindex: -1 });

export class Line {
  cells = new Map(); // column number → element

  constructor() {
    this.element = LINE.cloneNode(true);
    this.first = this.element.firstChild;
  }

  /** Become the row of this number; `table` knows the sheet, the layout and how high a row is. */
  fill(table, number, row) {
    const { sheet } = table;
    const tr = this.element;
    const total = row === sheet.total;
    Object.assign(this, { number, row });
    put(tr, "data-row", number);
    if (!total) tr.style.top = `${number * table.height}px`;
    put(tr, "aria-rowindex", table.bands + 2 + number);
    put(tr, "class", total ? "total" : row.leaf ? "leaf" : "group");
    put(tr, "aria-level", sheet.flat || total ? null : row.level);
    put(tr, "aria-expanded", row.leaf ? null : row.open);
    put(tr, "aria-busy", row.busy ? true : null);
    this.#name(table, row, total);
    for (const [column, cell] of this.cells) this.#write(table, cell, column);
  }

  #name(table, row, total) {
    const { sheet } = table;
    const href = total ? null : table.linkOf(row);
    const label = labelOf(sheet, row);
    const level = sheet.flat || total ? 1 : row.level;
    const problem = row.problem || (row.truncated && row.open ? `${counted(row.truncated)} more` : "");
    const kind = `${row.leaf} ${level} ${href !== null} ${problem}`;
    if (kind !== this.kind) {
      this.kind = kind;
      this.name = href === null ? element("span", { class: "name" }) : element("a", { class: "name", tabindex: -1 });
      const twist = !row.leaf || level > 1 ? element("span", { class: row.leaf ? "twist leaf" : "twist", "aria-hidden": "true" }) : null;
      const more = problem ? element("span", { class: "more" }, problem) : null;
      this.first.replaceChildren(...[twist, this.name, more].filter(Boolean));
      this.first.style.setProperty("--level", level);
    }
    say(this.name, label);
    if (href !== null) put(this.name, "href", href);
    put(this.first, "title", label.length > 24 ? label : null);
  }

  /** Have the cells of `columns`, and no others, with as few changes as can be. */
  fit(table, columns) {
    const { lefts, widths } = table.layout;
    const wanted = new Set(columns);
    const free = [];
    for (const [column, cell] of this.cells) {
      if (wanted.has(column)) continue;
      free.push(cell);
      this.cells.delete(column);
    }
    for (const column of columns) {
      if (this.cells.has(column)) continue;
      const cell = free.pop() ?? this.element.appendChild(CELL.cloneNode());
      cell.style.left = `${lefts[column]}px`;
      cell.style.width = `${widths[column]}px`;
      cell.setAttribute("aria-colindex", column + 2);
      cell.dataset.column = column;
      this.cells.set(column, cell);
      this.#write(table, cell, column);
    }
    for (const cell of free) cell.remove();
  }

  #write(table, cell, place) {
    const column = table.sheet.columns[place];
    const value = this.row.cells[column.place];
    const text = textOf(this.row, column);
    let kind = column.text ? "text" : "number";
    if (table.headings.starts[place]) kind += " starts";
    if (isExact(column)) amount(cell, text, table.tails[place]);
    else say(cell, text);
    if (typeof value === "number" ? value < 0 && !column.dimension : column.type === "money" && text.startsWith("-")) kind += " negative";
    else if (!column.text && (value === 0 || value === "0.00")) kind += " zero";
    const few = column.calls !== undefined && text !== "" && isQuotient(column.type) && this.row.cells[column.calls] < table.fewest;
    if (few) kind += " few";
    put(cell, "title", few ? `Of ${this.row.cells[column.calls]} only` : null);
    if (cell.className !== kind) cell.className = kind;
  }
}

// The browser computes styles anew for what is set, whether it changes or not: so nothing is set that stays.

function put(target, name, value) {
  const held = target.getAttribute(name);
  if (value === null) {
    if (held !== null) target.removeAttribute(name);
  } else if (held !== String(value)) target.setAttribute(name, value);
}

function say(target, text) {
  const held = target.firstChild;
  if (held === null || held !== target.lastChild) target.textContent = text;
  else if (held.data !== text) held.data = text;
}

/** Money: what lies beyond the cents is there, but quieter, and points stand below each other. */
function amount(cell, text, room) {
  const point = text.indexOf(".");
  const cut = point < 0 ? text.length : point + 3;
  if (!room) {
    say(cell, text);
    return;
  }
  let tail = cell.lastElementChild;
  if (!tail) {
    tail = element("span", { class: "tail" });
    cell.replaceChildren("", tail);
  }
  if (cell.firstChild.data !== text.slice(0, cut)) cell.firstChild.data = text.slice(0, cut);
  say(tail, text.slice(cut));
  if (tail.style.width !== `${room}ch`) tail.style.width = `${room}ch`;
}

/** Whether a column's numbers have as many decimals as they need: money, and what is made of it. */
const isExact = (column) => column.type === "money" || column.type === "ratio";

/** How many digits beyond the cents the numbers of a column have at most. */
export function tailOf(rows, column) {
  if (!isExact(column)) return 0;
  let most = 0;
  for (const row of rows) {
    // money is text on its way here, and is shown with as many places as it has: formatting every row would be slow
    const text = column.type === "money" ? (row.cells[column.place] ?? "") : textOf(row, column);
    const point = text.lastIndexOf(".");
    if (point >= 0) most = Math.max(most, text.length - point - 3);
  }
  return most;
}
