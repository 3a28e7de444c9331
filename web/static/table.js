/**
 * A sheet goes in, a table that scrolls, folds and is walked by keys comes out; what people want of it is told as events.
 *
 * It is a real table in the roles of a treegrid. Only the rows and columns in sight are in the document, each at its
 * place; the row and the column with the focus stay, so that keys go on from there.
 *
 * Events, with `detail`: "sort" {column, additive}, "toggle" {row}, "drill" {row, column}, "menu" {column, anchor} when
 * the filter of a column is wanted, "place" when the keys are elsewhere. `column` is null for the first.
 */

import { Line, tailOf } from "./cells.js";
import { arrange, within } from "./columns.js";
import { element } from "./dom.js";
import { Headings } from "./headings.js";

/** So many rows and columns beyond what is in sight: where people scroll to, and where they come from. */
const ROWS_AROUND = { ahead: 8, behind: 2 };
const COLUMNS_AROUND = { ahead: 2, behind: 0 };
const IDLE = 200; // milliseconds without a step until scrolling is over
const HEAD = -1; // the row of headings, for the keys

export class Table extends EventTarget {
  /** Under how many calls a quotient says little. */
  fewest = 0;
  /** How many of the sort keys were asked for; those after them decide between equals. */
  ties = 1;
  /** Whether a field has a filter. */
  filtered = () => false;
  /** Where the name of a row leads; null when it leads nowhere. */
  linkOf = () => null;
  /** Whether headings can be pressed, to sort and to filter. */
  pressable = true;

  #host;
  #lines = new Map(); // row number → line
  #drawn = null; // the window that is in the document
  #frame = 0;
  #idle = 0;
  #room = 0;
  #whole = false; // everything is drawn, for paper
  #seen = { top: 0, left: 0, down: 0, right: 0 }; // where it was scrolled to, and which way, when it was drawn last
  #at = { row: 0, column: -1 };
  #focus = false; // the focus is to follow
  #roving = null;

  constructor(host, label) {
    super();
    this.#host = host;
    this.head = element("thead", { role: "rowgroup" });
    this.body = element("tbody", { role: "rowgroup" });
    this.foot = element("tfoot", { role: "rowgroup" });
    this.grid = element("table", { role: "treegrid", "aria-label": label }, this.head, this.body, this.foot);
    host.replaceChildren(this.grid);
    host.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => (this.sheet && this.#room !== host.clientWidth ? this.#lay() : this.#soon())).observe(host);
    this.grid.addEventListener("click", (event) => this.#click(event));
    this.grid.addEventListener("dblclick", (event) => this.#drill(this.#placeOf(event.target)));
    this.grid.addEventListener("keydown", (event) => this.#key(event));
    this.grid.addEventListener("focusin", (event) => this.#focused(event.target));
    this.grid.addEventListener("copy", (event) => this.#copy(event));
    const print = matchMedia("print");
    print.addEventListener("change", () => this.#all(print.matches));
    addEventListener("beforeprint", () => this.#all(true));
    addEventListener("afterprint", () => this.#all(false));
  }

  /** Draw a sheet; `sort` are the keys it is sorted by. */
  show(sheet, sort) {
    this.sheet = sheet;
    this.grid.setAttribute("role", sheet.flat ? "grid" : "treegrid");
    this.refresh(sort);
  }

  /** Draw the same sheet after rows were opened, closed or sorted. */
  refresh(sort = this.sorted) {
    this.sorted = sort;
    this.rows = this.sheet.visible();
    this.#lay();
  }

  /** Draw the row again whose state changed. */
  touch(row) {
    for (const line of this.#lines.values()) if (line.row === row) line.fill(this, line.number, row);
  }

  /** Which cell the keys are at: its row, null for a heading, and its column, null for the first. */
  get place() {
    return { row: this.sheet ? this.#rowAt(this.#at.row) : null, column: this.sheet?.columns[this.#at.column] ?? null };
  }

  /** How many bands of headings there are above the labels. */
  get bands() {
    return this.layout.bands.length;
  }

  focus() {
    this.#roving?.focus();
  }

  #rowAt(number) {
    return number === this.rows.length ? (this.sheet.total ?? null) : (this.rows[number] ?? null);
  }

  get #last() {
    return this.rows.length - (this.sheet.total ? 0 : 1);
  }

  #lay() {
    const style = getComputedStyle(this.#host);
    const focused = this.grid.contains(document.activeElement);
    this.#room = this.#host.clientWidth;
    this.height = parseFloat(style.getPropertyValue("--row")) || 30;
    this.layout = arrange(this.sheet, this.rows, { font: `${style.fontSize} ${style.fontFamily}`, room: this.#room });
    this.grid.style.width = `${this.layout.width}px`;
    this.grid.style.setProperty("--first", `${this.layout.first}px`);
    this.body.style.height = `${this.rows.length * this.height}px`;
    this.grid.setAttribute("aria-rowcount", this.bands + 1 + this.rows.length + (this.sheet.total ? 1 : 0));
    this.grid.setAttribute("aria-colcount", this.sheet.columns.length + 1);
    const { row, column } = this.#at;
    this.#at = { row: Math.min(row, this.#last), column: Math.min(column, this.sheet.columns.length - 1) };
    const all = this.sheet.total ? [...this.rows, this.sheet.total] : this.rows;
    this.tails = this.sheet.columns.map((each) => tailOf(all, each));
    this.headings = new Headings(this.head, { sheet: this.sheet, layout: this.layout, sorted: this.sorted.slice(0, this.ties), filtered: this.filtered, pressable: this.pressable });
    this.#focus = focused;
    this.#anew();
    this.dispatchEvent(new CustomEvent("place"));
  }

  #anew() {
    this.body.replaceChildren();
    this.foot.replaceChildren();
    this.#lines.clear();
    this.#drawn = null;
    this.#draw();
  }

  #soon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.sheet && this.#draw());
  }

  #all(whole) {
    if (!this.sheet || whole === this.#whole) return;
    this.#whole = whole;
    this.#anew();
  }

  /** The rows [from, to) and the columns that are to be in the document. */
  #window() {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.#host;
    const count = this.rows.length;
    const across = this.sheet.columns.length;
    if (this.#whole) return { from: 0, to: count, left: 0, right: across };
    const [left, right] = within(this.layout, scrollLeft, clientWidth);
    const top = Math.max(0, Math.min(count, Math.floor(scrollTop / this.height)));
    const bottom = Math.min(count, Math.ceil((scrollTop + clientHeight) / this.height));
    const { down, right: onward } = (this.#seen = {
      top: scrollTop,
      left: scrollLeft,
      down: Math.sign(scrollTop - this.#seen.top) || this.#seen.down,
      right: Math.sign(scrollLeft - this.#seen.left) || this.#seen.right,
    });
    const around = ({ ahead, behind }, way) => [way > 0 ? behind : ahead, way < 0 ? behind : ahead];
    const [above, below] = around(ROWS_AROUND, down);
    const [before, after] = around(COLUMNS_AROUND, onward);
    const wanted = { from: Math.max(0, top - above), to: Math.min(count, bottom + below), left: Math.max(0, left - before), right: Math.min(across, right + after) };
    const held = this.#drawn;
    if (!held || top < held.from || bottom > held.to || left < held.left || right > held.right) return wanted;
    // All that is in sight is there. What is beyond it comes in turns, rows with one frame and columns with the next.
    const [rows, columns] = [held.from !== wanted.from || held.to !== wanted.to, held.left !== wanted.left || held.right !== wanted.right];
    if (!rows || !columns) return wanted;
    this.#soon();
    return held.turn === "rows" ? { ...wanted, from: held.from, to: held.to, turn: "columns" } : { ...wanted, left: held.left, right: held.right, turn: "rows" };
  }

  /** Bring what is in sight into the document. */
  #draw() {
    const wanted = this.#window();
    const { from, to, left, right } = wanted;
    const { row, column } = this.#at;
    const held = this.#drawn;
    if (!held || held.from !== from || held.to !== to || held.left !== left || held.right !== right || held.row !== row || held.column !== column) {
      this.#drawn = { ...wanted, row, column };
      const columns = Array.from({ length: right - left }, (_, place) => left + place);
      if (column >= 0 && column < left) columns.unshift(column);
      if (column >= right) columns.push(column);
      this.headings.draw(columns);
      this.#drawRows(from, to, columns);
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.#settle(), IDLE);
    }
    this.#rove();
  }

  #drawRows(from, to, columns) {
    const count = this.rows.length;
    const { row } = this.#at;
    const kept = (number) => (number >= from && number < to) || number === row || number === count;
    const spare = [];
    for (const [number, line] of this.#lines) {
      if (kept(number)) line.fit(this, columns);
      else {
        spare.push(line);
        this.#lines.delete(number);
      }
    }
    const wanted = [];
    if (row >= 0 && row < from) wanted.push(row);
    for (let number = from; number < to; number++) wanted.push(number);
    if (row >= to && row < count) wanted.push(row);
    for (const number of wanted) {
      if (this.#lines.has(number)) continue;
      const line = spare.shift() ?? new Line();
      line.fill(this, number, this.rows[number]);
      line.fit(this, columns);
      if (!line.element.parentNode) this.body.append(line.element);
      this.#lines.set(number, line);
    }
    for (const line of spare) line.element.remove();
    if (this.sheet.total && !this.#lines.has(count)) {
      const line = new Line();
      line.fill(this, count, this.sheet.total);
      line.fit(this, columns);
      this.foot.append(line.element);
      this.#lines.set(count, line);
    }
  }

  /**
   * Put lines in the order of their rows, for those who hear them. It can wait until nobody scrolls: each stands where
   * it belongs, and moving elements costs more than writing them. The line with the focus must not be moved.
   */
  #settle() {
    const lines = [...this.#lines.entries()].filter(([number]) => number < this.rows.length).sort(([one], [other]) => one - other).map(([, line]) => line.element);
    const fixed = Math.max(0, lines.findIndex((line) => line.contains(document.activeElement)));
    for (let at = fixed - 1; at >= 0; at--) if (lines[at].nextSibling !== lines[at + 1]) this.body.insertBefore(lines[at], lines[at + 1]);
    for (let at = fixed + 1; at < lines.length; at++) if (lines[at].previousSibling !== lines[at - 1]) lines[at - 1].after(lines[at]);
  }

  /** Of all cells only the one the keys are at is reached by Tab. */
  #rove() {
    const { row, column } = this.#at;
    const line = this.#lines.get(row);
    const target = row === HEAD ? this.headings.target(column) : column < 0 ? line?.first : line?.cells.get(column);
    if (this.#roving !== target) {
      this.#roving?.setAttribute("tabindex", -1);
      this.#roving = target ?? null;
    }
    target?.setAttribute("tabindex", 0);
    if (this.#focus && target && document.activeElement !== target) target.focus({ preventScroll: true });
    this.#focus = false;
  }

  /** Walk to a cell and bring it into sight. */
  #go(row, column) {
    const host = this.#host;
    row = Math.max(this.pressable ? HEAD : 0, Math.min(this.#last, row));
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
    this.#focus = true;
    this.#draw();
    this.dispatchEvent(new CustomEvent("place"));
  }

  #placeOf(target) {
    const cell = target.closest?.("td[data-column], th[data-column], th[role=rowheader]");
    if (!cell || !this.grid.contains(cell)) return null;
    const line = cell.closest("tr");
    return { row: this.head.contains(line) ? HEAD : Number(line.dataset.row), column: Number(cell.dataset.column ?? -1) };
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
    if (place.row === HEAD) {
      if (event.target.closest(".funnel")) this.#menu(place.column);
      else this.#sort(place.column, event.shiftKey);
      return;
    }
    this.#go(place.row, place.column);
    const row = this.#rowAt(place.row);
    if (place.column < 0 && row && !row.leaf && event.detail < 2) this.#tell("toggle", { row });
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #sort(column, additive) {
    if (column >= 0 || this.sheet.fields.length) this.#tell("sort", { column: this.sheet.columns[column] ?? null, additive });
  }

  #menu(column) {
    const anchor = this.headings.target(column)?.parentElement;
    if (anchor) this.#tell("menu", { column: this.sheet.columns[column] ?? null, anchor });
  }

  #drill(place) {
    const row = place && place.row !== HEAD && this.#rowAt(place.row);
    if (row && (row.leaf || place.column >= 0)) this.#tell("drill", { row, column: this.sheet.columns[place.column] ?? null });
  }

  #copy(event) {
    if (document.activeElement !== this.#roving || String(getSelection())) return;
    event.clipboardData.setData("text/plain", this.#roving.textContent);
    event.preventDefault();
  }

  #key(event) {
    const { row, column } = this.#at;
    if (event.altKey && event.key === "ArrowDown") this.#menu(column);
    else if (event.altKey || event.metaKey || !this.#pressed(event, row, column)) return;
    event.preventDefault();
  }

  /** Do what a key means here; false when it means nothing. */
  #pressed({ key, ctrlKey, shiftKey }, row, column) {
    const here = row === HEAD ? null : this.#rowAt(row);
    const last = this.sheet.columns.length - 1;
    const page = Math.max(1, Math.floor((this.#host.clientHeight - this.head.offsetHeight - this.foot.offsetHeight) / this.height) - 1);
    const folds = column < 0 && here && !here.leaf;
    switch (key) {
      case "ArrowDown": this.#go(row + 1, column); break;
      case "ArrowUp": this.#go(row - 1, column); break;
      case "PageDown": this.#go(row + page, column); break;
      case "PageUp": this.#go(Math.max(0, row - page), column); break;
      case "Home": this.#go(ctrlKey ? 0 : row, -1); break;
      case "End": this.#go(ctrlKey ? this.#last : row, last); break;
      case "ArrowRight":
        if (folds && !here.open) this.#tell("toggle", { row: here });
        else this.#go(row, column + 1);
        break;
      case "ArrowLeft":
        if (folds && here.open) this.#tell("toggle", { row: here });
        else if (column < 0 && here && here.level > 1) this.#go(this.#parent(row), -1);
        else this.#go(row, column - 1);
        break;
      case "Enter":
      case " ":
        if (ctrlKey) return false;
        if (row === HEAD) this.#sort(column, shiftKey);
        else if (folds) this.#tell("toggle", { row: here });
        else this.#drill(this.#at);
        break;
      default: return false;
    }
    return true;
  }

  #parent(number) {
    const level = this.rows[number]?.level ?? 1;
    let at = number;
    while (at > 0 && this.rows[at].level >= level) at--;
    return at;
  }
}
