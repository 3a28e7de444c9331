/** A sheet, its layout and its sorting go in, the bands and headings above the table come out, as far as they are in sight. */

import { element } from "./dom.js";
import { unitOf } from "./columns.js";

export class Headings {
  #labels = new Map(); // column number → heading
  #runs = new Map(); // band and first column → heading over several columns

  /** `sorted` are the keys that count, `filtered(field)` tells whether a field of the sheet has a filter. */
  constructor(head, { sheet, layout, sorted, filtered, pressable }) {
    Object.assign(this, { sheet, layout, sorted, filtered, pressable });
    this.bands = layout.bands.map((_, depth) => element("tr", { role: "row", class: "band", "aria-rowindex": depth + 1 }));
    this.row = element("tr", { role: "row", class: layout.two ? "labels two" : "labels", "aria-rowindex": this.bands.length + 1 });
    this.bands.forEach((band, depth) => band.append(element("td", { class: "corner of", role: "gridcell", "aria-colindex": 1, title: layout.bands[depth].label }, layout.bands[depth].label)));
    const innermost = new Set(layout.bands.at(-1)?.runs.map((run) => run.from));
    this.starts = sheet.columns.map((_, place) => innermost.has(place));
    this.corner = this.#heading({ label: layout.firstLabel, text: true }, -1);
    this.corner.classList.add("corner");
    this.row.append(this.corner);
    head.replaceChildren(...this.bands, this.row);
  }

  /** What the keys reach in a column's heading. */
  target(place) {
    return (place < 0 ? this.corner : this.#labels.get(place))?.querySelector("button");
  }

  /** Draw the headings of these columns, in order, and no others. */
  draw(columns) {
    const wanted = new Set(columns);
    for (const [place, head] of this.#labels) {
      if (wanted.has(place)) continue;
      head.remove();
      this.#labels.delete(place);
    }
    for (const place of columns) {
      if (this.#labels.has(place)) continue;
      const head = this.#heading(this.sheet.columns[place], place);
      const later = Math.min(...[...this.#labels.keys()].filter((at) => at > place));
      this.row.insertBefore(head, this.#labels.get(later) ?? null);
      this.#labels.set(place, head);
    }
    this.layout.bands.forEach(({ runs }, depth) => this.#drawRuns(runs, depth, columns));
  }

  #drawRuns(runs, depth, columns) {
    const { lefts, widths } = this.layout;
    const [first, last] = [columns[0] ?? 0, columns.at(-1) ?? 0];
    for (const run of runs) {
      const key = `${depth} ${run.from}`;
      const here = run.from <= last && run.to > first;
      const held = this.#runs.get(key);
      if (held && !here) {
        held.remove();
        this.#runs.delete(key);
      } else if (here && !held) {
        const span = run.to - run.from;
        const head = element("th", { role: "columnheader", scope: "colgroup", class: "run starts", colspan: span, "aria-colindex": run.from + 2, "aria-colspan": span }, element("span", { class: "label" }, run.label));
        head.style.left = `${lefts[run.from]}px`;
        head.style.width = `${lefts[run.to - 1] + widths[run.to - 1] - lefts[run.from]}px`;
        const later = [...this.#runs].filter(([at]) => at.startsWith(`${depth} `) && Number(at.split(" ")[1]) > run.from).sort(([one], [other]) => Number(one.split(" ")[1]) - Number(other.split(" ")[1]))[0]?.[1];
        this.bands[depth].insertBefore(head, later ?? null);
        this.#runs.set(key, head);
      }
    }
  }

  #heading(column, place) {
    const fields = place < 0 ? this.sheet.fields.map((field) => field.name).slice(0, this.sheet.flat ? 1 : undefined) : [column.measure ?? column.name];
    const key = this.sorted.find((each) => each.field === (place < 0 ? fields[0] : column.sort));
    const direction = key ? (key.descending ? "descending" : "ascending") : "none";
    const unit = place < 0 ? "" : unitOf(column);
    const parts = [
      element("span", { class: "label" }, column.label.replace(" %", "\u00a0%")),
      unit && element("span", { class: "unit" }, `\u00a0${unit}`),
      key && element("span", { class: "arrow", "aria-hidden": "true" }, key.descending ? "\u00a0▾" : "\u00a0▴"),
    ];
    const sort = this.pressable ? element("button", { type: "button", tabindex: -1, class: "sort", title: place < 0 ? column.label : column.help }, parts) : element("div", { class: "sort" }, parts);
    const active = fields.some((field) => this.filtered(field));
    const funnel = element("button", { type: "button", tabindex: -1, class: active ? "funnel active" : "funnel", "aria-label": `Filter ${column.label}`, title: `Filter ${column.label} (Alt+Down)` });
    const kind = `${column.text ? "text" : "number"}${this.starts[place] ? " starts" : ""}`;
    const head = element("th", { role: "columnheader", scope: "col", class: kind, "aria-sort": direction, "aria-colindex": place + 2, dataset: { column: place } }, !column.label ? [] : this.pressable && fields.length ? [sort, funnel] : sort);
    if (place >= 0) {
      head.style.left = `${this.layout.lefts[place]}px`;
      head.style.width = `${this.layout.widths[place]}px`;
    }
    return head;
  }
}
