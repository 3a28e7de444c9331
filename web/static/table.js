/**
 * A sheet goes in, a table that scrolls, folds and is walked by keys comes out; what people want of it is told as events.
 *
 * It is a real table in the roles of a treegrid. Only the rows and columns in sight are in the document, each at its
 * place; the row and column with the focus stay, so that keys go on from there.
 *
 * Events: "sort" {column | null for the first, additive}, "toggle" {row}, "drill" {row, column | null}, "place" {row, column}.
 */

import { arrange, labelOf, textOf, unitOf, within } from "./columns.js";
import { element } from "./dom.js";
import { isQuotient } from "./format.js";

const ROWS_AROUND = 8;
const COLUMNS_AROUND = 2;
const HEAD = -1; // the row of headings, for the keys

export class Table extends EventTarget {
  #host;
  #cells = new Map(); // row number → {line, cells: Map of column number → element}
  #spare = [];
  #drawn = "";
  #frame = 0;
  #whole = false;
  #at = { row: 0, column: -1 };

  constructor(host, label) {
    super();
    this.#host = host;
    this.head = element("thead", { role: "rowgroup" });
    this.body = element("tbody", { role: "rowgroup" });
    this.foot = element("tfoot", { role: "rowgroup" });
    this.grid = element("table", { role: "treegrid", "aria-label": label }, this.head, this.body, this.foot);
    host.replaceChildren(this.grid);
    host.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.sheet && this.#room !== host.clientWidth ? this.#lay() : this.#soon()).observe(host);
    this.grid.addEventListener("click", (event) => this.#click(event));
    this.grid.addEventListener("dblclick", (event) => this.#drill(event.target));
    this.grid.addEventListener("keydown", (event) => this.#key(event));
    this.grid.addEventListener("focusin", (event) => this.#focused(event.target));
    this.grid.addEventListener("copy", (event) => this.#copy(event));
    const print = matchMedia("print");
    print.addEventListener("change", () => this.#all(print.matches));
    addEventListener("beforeprint", () => this.#all(true));
    addEventListener("afterprint", () => this.#all(false));
  }

  #room = 0;

  /** Draw a sheet; `sort` are the keys it is sorted by. */
  show(sheet, sort) {
    this.sheet = sheet;
    this.sorted = sort;
    this.grid.setAttribute("role", sheet.flat ? "grid" : "treegrid");
    this.refresh();
  }

  /** Draw the same sheet again after rows were opened, closed or sorted. */
  refresh(sort = this.sorted) {
    this.sorted = sort;
    this.rows = this.sheet.visible();
    this.#lay();
  }

  /** Draw rows again whose state changed but not their number. */
  touch() {
    this.#clear();
    this.#draw();
  }

  /** Which cell the keys are at: the row, null for a heading, and the column, null for the first. */
  get place() {
    const { row, column } = this.#at;
    return { row: this.#rowAt(row), column: this.sheet?.columns[column] ?? null };
  }

  #rowAt(number) {
    return number === this.rows?.length ? this.sheet.total : (this.rows?.[number] ?? null);
  }

  get #last() {
    return this.rows.length - (this.sheet.total ? 0 : 1);
  }

  #lay() {
    const style = getComputedStyle(this.#host);
    this.#room = this.#host.clientWidth;
    this.height = parseFloat(style.getPropertyValue("--row")) || 30;
    this.layout = arrange(this.sheet, this.rows, { font: `${style.fontSize} ${style.fontFamily}`, room: this.#room });
    this.bands = this.layout.bands;
    this.grid.style.width = `${this.layout.width}px`;
    this.grid.style.setProperty("--first", `${this.layout.first}px`);
    this.body.style.height = `${this.rows.length * this.height}px`;
    this.grid.setAttribute("aria-rowcount", this.bands.length + 1 + this.rows.length + (this.sheet.total ? 1 : 0));
    this.grid.setAttribute("aria-colcount", this.sheet.columns.length + 1);
    const { row, column } = this.#at;
    this.#at = { row: Math.min(row, this.#last), column: Math.min(column, this.sheet.columns.length - 1) };
    this.tails = this.sheet.columns.map((each) => (each.type === "money" ? tail(this.sheet, this.rows, each) : 0));
    this.#clear();
    this.#draw();
  }

  #clear() {
    this.hadFocus = this.grid.contains(document.activeElement);
    this.head.replaceChildren();
    this.body.replaceChildren();
    this.foot.replaceChildren();
    this.#cells.clear();
    this.#spare = [];
    this.#drawn = "";
    this.#headings();
  }

  #soon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.sheet && this.#draw());
  }

  #all(whole) {
    if (!this.sheet || whole === this.#whole) return;
    this.#whole = whole;
    this.#clear();
    this.#draw();
  }

  /** Bring what is in sight into the document. */
  #draw() {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.#host;
    const count = this.rows.length;
    let from = Math.max(0, Math.floor(scrollTop / this.height) - ROWS_AROUND);
    let to = Math.min(count, Math.ceil((scrollTop + clientHeight) / this.height) + ROWS_AROUND);
    let [left, right] = within(this.layout, scrollLeft, clientWidth);
    left = Math.max(0, left - COLUMNS_AROUND);
    right = Math.min(this.sheet.columns.length, right + COLUMNS_AROUND);
    if (this.#whole) [from, to, left, right] = [0, count, 0, this.sheet.columns.length];
    const key = `${from} ${to} ${left} ${right} ${this.#at.row} ${this.#at.column}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    const columns = [];
    for (let column = left; column < right; column++) columns.push(column);
    const { row, column } = this.#at;
    if (column >= 0 && (column < left || column >= right)) columns.push(column);
    this.#drawHead(columns);
    const wanted = (number) => (number >= from && number < to) || (number === row && number >= 0 && number < count);
    for (const [number, line] of this.#cells) {
      if (number !== count && !wanted(number)) {
        this.#spare.push(line);
        this.#cells.delete(number);
      }
    }
    const before = [...this.#cells.keys()];
    const lowest = before.length ? Math.min(...before) : Infinity;
    const added = [];
    for (let number = from; number < to; number++) added.push(number);
    if (row >= 0 && row < count && !(row >= from && row < to)) added.push(row);
    for (const number of added.sort((one, other) => one - other)) {
      const held = this.#cells.get(number);
      if (held) this.#fit(held, number, columns);
      else this.#add(number, columns, lowest);
    }
    for (const line of this.#spare) line.element.remove();
    if (this.sheet.total) {
      const held = this.#cells.get(count);
      const line = held ?? this.#line(this.foot);
      if (!held) {
        this.#cells.set(count, line);
        this.#fill(line, count);
      }
      this.#fit(line, count, columns);
    }
    this.#rove();
  }

  #add(number, columns, lowest) {
    const spare = this.#spare.pop();
    const next = number < lowest ? [...this.#cells.entries()].filter(([at]) => at > number && at < this.rows.length).sort(([one], [other]) => one - other)[0]?.[1].element : null;
    const line = spare ?? this.#line(null);
    if (next) next.before(line.element);
    else this.body.append(line.element);
    this.#cells.set(number, line);
    this.#fill(line, number);
    for (const [column, cell] of line.cells) if (columns.includes(column)) this.#write(cell, number, column);
    this.#fit(line, number, columns);
  }

  #line(parent) {
    const first = element("th", { role: "rowheader", scope: "row", tabindex: -1, "aria-colindex": 1 });
    const line = { element: element("tr", { role: "row" }, first), first, cells: new Map() };
    parent?.append(line.element);
    return line;
  }

  /** The row itself and its first cell. */
  #fill(line, number) {
    const row = this.#rowAt(number);
    const { element: tr, first } = line;
    tr.dataset.row = number;
    if (row !== this.sheet.total) tr.style.top = `${number * this.height}px`;
    tr.setAttribute("aria-rowindex", this.bands.length + 2 + number);
    const group = !row.leaf;
    tr.className = row === this.sheet.total ? "total" : group ? "group" : "";
    if (this.sheet.flat || row === this.sheet.total) tr.removeAttribute("aria-level");
    else tr.setAttribute("aria-level", row.level);
    if (group) tr.setAttribute("aria-expanded", row.open);
    else tr.removeAttribute("aria-expanded");
    if (row.busy) tr.setAttribute("aria-busy", "true");
    else tr.removeAttribute("aria-busy");
    const label = labelOf(this.sheet, row);
    const twist = group ? element("span", { class: "twist", "aria-hidden": "true" }) : null;
    const more = row.truncated && row.open ? element("span", { class: "more" }, `${row.truncated.toLocaleString("en")} more`) : null;
    first.replaceChildren(...[twist, element("span", { class: "name" }, label), more].filter(Boolean));
    first.title = label.length > 24 ? label : "";
    first.style.setProperty("--level", this.sheet.flat ? 0 : row.level);
  }

  /** Make the cells of a row those of `columns`, with as few changes as can be. */
  #fit(line, number, columns) {
    const free = [];
    for (const [column, cell] of line.cells) {
      if (!columns.includes(column)) {
        free.push(cell);
        line.cells.delete(column);
      }
    }
    for (const column of columns) {
      if (line.cells.has(column)) continue;
      const cell = free.pop() ?? line.element.appendChild(element("td", { role: "gridcell", tabindex: -1 }));
      cell.style.left = `${this.layout.lefts[column]}px`;
      cell.style.width = `${this.layout.widths[column]}px`;
      cell.setAttribute("aria-colindex", column + 2);
      cell.dataset.column = column;
      line.cells.set(column, cell);
      this.#write(cell, number, column);
    }
    for (const cell of free) cell.remove();
  }

  #write(cell, number, place) {
    const row = this.#rowAt(number);
    const column = this.sheet.columns[place];
    const text = textOf(row, column);
    let kind = column.text ? "text" : "number";
    if (column.starts) kind += " starts";
    if (column.type === "money") {
      const point = text.indexOf(".");
      const cut = point < 0 ? text.length : point + 3;
      const tails = element("span", { class: "tail" }, text.slice(cut));
      tails.style.width = `${this.tails[place]}ch`;
      cell.replaceChildren(text.slice(0, cut), tails);
      if (text.startsWith("-")) kind += " negative";
    } else {
      cell.textContent = text;
      if (typeof row.cells[column.place] === "number" && row.cells[column.place] < 0) kind += " negative";
    }
    if (column.calls !== undefined && text && row.cells[column.calls] < this.fewest && isQuotient(column.type)) {
      kind += " few";
      cell.title = `Of ${row.cells[column.calls]} calls only`;
    } else if (cell.title) cell.removeAttribute("title");
    if (cell.className !== kind) cell.className = kind;
  }

  #headings() {
    const { layout, sheet } = this;
    this.#heads = new Map();
    this.#runs = new Map();
    this.lines = this.bands.map((_, depth) => element("tr", { role: "row", class: "band", "aria-rowindex": depth + 1 }));
    this.labels = element("tr", { role: "row", class: layout.two ? "labels two" : "labels", "aria-rowindex": this.bands.length + 1 });
    const corner = this.#heading({ label: layout.firstLabel, sort: null, text: true }, -1);
    corner.classList.add("corner");
    this.labels.append(corner);
    this.head.append(...this.lines, this.labels);
    for (const line of this.lines) line.append(element("td", { class: "corner", role: "gridcell", "aria-colindex": 1 }));
    const innermost = this.bands.at(-1);
    sheet.columns.forEach((column, place) => (column.starts = innermost?.runs.some((run) => run.from === place) ?? false));
  }

  #heads = new Map();
  #runs = new Map();

  #heading(column, place) {
    const key = this.sorted.slice(0, this.ties).find((each) => each.field === (place < 0 ? this.sheet.fields[0]?.name : column.sort));
    const direction = key ? (key.descending ? "descending" : "ascending") : "none";
    const unit = place < 0 ? "" : unitOf(column);
    const words = [element("span", { class: "label" }, column.label.replace(" %", "\u00a0%")), unit && element("span", { class: "unit" }, `\u00a0${unit}`), key && element("span", { class: "arrow", "aria-hidden": "true" }, key.descending ? "\u00a0▾" : "\u00a0▴")];
    const button = element("button", { type: "button", tabindex: -1, title: column.help }, words);
    const kind = `${column.text ? "text" : "number"}${column.starts ? " starts" : ""}`;
    const head = element("th", { role: "columnheader", scope: "col", class: kind, "aria-sort": direction, "aria-colindex": place + 2, dataset: { column: place } }, place < 0 && !column.label ? [] : button);
    if (place >= 0) {
      head.style.left = `${this.layout.lefts[place]}px`;
      head.style.width = `${this.layout.widths[place]}px`;
    }
    return head;
  }

  #drawHead(columns) {
    const wanted = new Set(columns);
    for (const [place, head] of this.#heads) {
      if (!wanted.has(place)) {
        head.remove();
        this.#heads.delete(place);
      }
    }
    for (const place of columns) {
      if (this.#heads.has(place)) continue;
      const head = this.#heading(this.sheet.columns[place], place);
      const later = [...this.#heads.entries()].filter(([at]) => at > place).sort(([one], [other]) => one - other)[0]?.[1];
      if (later) later.before(head);
      else this.labels.append(head);
      this.#heads.set(place, head);
    }
    const { lefts, widths } = this.layout;
    this.bands.forEach(({ runs }, depth) => {
      runs.forEach((run) => {
        const key = `${depth} ${run.from}`;
        const here = columns.some((place) => place >= run.from && place < run.to);
        const held = this.#runs.get(key);
        if (held && !here) {
          held.remove();
          this.#runs.delete(key);
        } else if (here && !held) {
          const head = element("th", { role: "columnheader", scope: "colgroup", class: "run starts", colspan: run.to - run.from, "aria-colindex": run.from + 2, "aria-colspan": run.to - run.from }, element("span", { class: "label" }, run.label));
          head.style.left = `${lefts[run.from]}px`;
          head.style.width = `${lefts[run.to - 1] + widths[run.to - 1] - lefts[run.from]}px`;
          this.lines[depth].append(head);
          this.#runs.set(key, head);
        }
      });
    });
  }

  /** The element with the place the keys are at: of all cells it alone is reached by Tab. */
  #target({ row, column }) {
    if (row === HEAD) return (column < 0 ? this.labels.firstChild : this.#heads.get(column))?.firstElementChild;
    const line = this.#cells.get(row);
    return column < 0 ? line?.first : line?.cells.get(column);
  }

  #rove() {
    const target = this.#target(this.#at);
    if (this.roving !== target) {
      this.roving?.setAttribute("tabindex", -1);
      this.roving = target;
      target?.setAttribute("tabindex", 0);
    }
    if (this.hadFocus && target && document.activeElement !== target) target.focus({ preventScroll: true });
    this.hadFocus = false;
  }

  /** Walk to a cell and bring it into sight. */
  #go(row, column) {
    const host = this.#host;
    row = Math.max(HEAD, Math.min(this.#last, row));
    column = Math.max(-1, Math.min(this.sheet.columns.length - 1, column));
    if (row >= 0 && row < this.rows.length) {
      const top = row * this.height;
      const room = host.clientHeight - this.head.offsetHeight - this.foot.offsetHeight;
      if (top < host.scrollTop) host.scrollTop = top;
      else if (top + this.height > host.scrollTop + room) host.scrollTop = top + this.height - room;
    }
    if (column >= 0) {
      const left = this.layout.lefts[column];
      const right = left + this.layout.widths[column];
      if (left - this.layout.first < host.scrollLeft) host.scrollLeft = left - this.layout.first;
      else if (right > host.scrollLeft + host.clientWidth) host.scrollLeft = right - host.clientWidth;
    }
    this.#at = { row, column };
    this.hadFocus = true;
    this.#draw();
    this.dispatchEvent(new CustomEvent("place"));
  }

  #placeOf(target) {
    const cell = target.closest?.("td[data-column], th[data-column], th[role=rowheader]");
    if (!cell || !this.grid.contains(cell)) return null;
    const line = cell.closest("tr");
    return { row: line === this.labels ? HEAD : Number(line.dataset.row), column: Number(cell.dataset.column ?? -1) };
  }

  #focused(target) {
    const place = this.#placeOf(target);
    if (!place || (place.row === this.#at.row && place.column === this.#at.column)) return;
    this.#at = place;
    this.#rove();
    this.dispatchEvent(new CustomEvent("place"));
  }

  #click(event) {
    const place = this.#placeOf(event.target);
    if (!place) return;
    if (place.row === HEAD) return this.#sort(place.column, event.shiftKey);
    this.#go(place.row, place.column);
    const row = this.#rowAt(place.row);
    if (place.column < 0 && row && !row.leaf && event.detail < 2) this.#toggle(row);
  }

  #sort(column, additive) {
    if (column < 0 && !this.sheet.fields.length) return;
    this.dispatchEvent(new CustomEvent("sort", { detail: { column: this.sheet.columns[column] ?? null, additive } }));
  }

  #toggle(row) {
    this.dispatchEvent(new CustomEvent("toggle", { detail: { row } }));
  }

  #drill(target) {
    const place = this.#placeOf(target);
    const row = place && place.row !== HEAD && this.#rowAt(place.row);
    if (row && (row.leaf || place.column >= 0)) this.dispatchEvent(new CustomEvent("drill", { detail: { row, column: this.sheet.columns[place.column] ?? null } }));
  }

  #copy(event) {
    const target = this.#target(this.#at);
    if (!target || document.activeElement !== target || String(getSelection())) return;
    event.clipboardData.setData("text/plain", target.textContent);
    event.preventDefault();
  }

  #key(event) {
    if (event.altKey || event.metaKey) return;
    const { row, column } = this.#at;
    const here = this.#rowAt(row);
    const page = Math.max(1, Math.floor((this.#host.clientHeight - this.head.offsetHeight - this.foot.offsetHeight) / this.height) - 1);
    const walk = {
      ArrowDown: [row + 1, column], ArrowUp: [row - 1, column], PageDown: [row + page, column], PageUp: [Math.max(0, row - page), column],
      Home: event.ctrlKey ? [0, -1] : [row, -1], End: event.ctrlKey ? [this.#last, this.sheet.columns.length - 1] : [row, this.sheet.columns.length - 1],
    }[event.key];
    const folds = row !== HEAD && column < 0 && here && !here.leaf;
    if (walk) this.#go(...walk);
    else if (event.key === "ArrowRight") {
      if (folds && !here.open) this.#toggle(here);
      else this.#go(row, column + 1);
    } else if (event.key === "ArrowLeft") {
      if (folds && here.open) this.#toggle(here);
      else if (column < 0 && here && here.level > 1) this.#go(this.#parent(row), -1);
      else this.#go(row, column - 1);
    } else if (event.key === "Enter" || event.key === " ") {
      if (row === HEAD) this.#sort(column, event.shiftKey);
      else if (folds) this.#toggle(here);
      else this.#drill(event.target);
    } else return;
    event.preventDefault();
  }

  #parent(number) {
    const level = this.rows[number]?.level ?? 1;
    while (number > 0 && this.rows[number].level >= level) number--;
    return number;
  }
}

/** How many digits beyond the cents the widest amount of a column has, so that points stand below each other. */
function tail(sheet, rows, column) {
  let most = 0;
  for (const row of sheet.total ? [...rows, sheet.total] : rows) {
    const text = row.cells[column.place];
    if (text) most = Math.max(most, text.length - text.indexOf(".") - 3);
  }
  return most;
}
