/** A view and the sheet of its table go in, a chart of them comes out: a measure over time, or the rows as bars. */

import { query } from "./api.js";
import { told } from "./axes.js";
import { bars } from "./bars.js";
import { labelOf } from "./columns.js";
import { announce, byId, element, newId } from "./dom.js";
import { many, named } from "./format.js";
import { line } from "./plot.js";
import { ASIDE, points, trend, unitOf } from "./trend.js";

const KINDS = [["trend", "Over time"], ["bars", "By row"]];
const MOST_BARS = 50;

/** Draws in #chart; `follow(sheet)` is called whenever the table shows something else. */
export class Chart {
  #sheet = null;
  #asking = new AbortController();
  #askedOf = "";
  #points = null;

  constructor(view) {
    this.view = view;
    const choice = (label, input) => element("div", { class: "field" }, element("label", { for: input.id }, label), input);
    const select = () => element("select", { class: "input", id: newId("chart"), onchange: () => this.#choose() });
    this.kind = select();
    this.kind.append(...KINDS.map(([value, label]) => element("option", { value }, label)));
    this.measure = select();
    this.said = element("output", { class: "said" });
    this.body = element("div", { class: "drawing" });
    byId("chart").replaceChildren(
      element("div", { class: "choices-of-chart" }, choice("Chart", this.kind), choice("Measure", this.measure), this.said),
      this.body);
    view.addEventListener("look", () => this.#draw());
    new ResizeObserver(() => this.#points && this.#plot()).observe(this.body);
  }

  /** The kind and the measure that are shown. */
  get #shown() {
    const [kind, name] = this.view.shown.chart.split(":");
    const { measures } = this.view.asked;
    return { kind: kind === "bars" ? "bars" : "trend", name: measures.includes(name) ? name : measures[0] };
  }

  #choose() {
    this.view.look({ chart: `${this.kind.value}:${this.measure.value}` });
  }

  follow(sheet) {
    this.#sheet = sheet;
    this.#draw();
  }

  #draw() {
    if (!this.view.shown.chart || !this.#sheet) return;
    const { kind, name } = this.#shown;
    const { measures } = this.view.asked;
    this.measure.replaceChildren(...measures.map((each) => element("option", { value: each }, this.view.field(each)?.label ?? each)));
    this.kind.value = kind;
    this.measure.value = name;
    if (kind === "bars") this.#bars(name);
    else this.#ask(name);
  }

  #note(text) {
    this.#points = null;
    this.said.textContent = "";
    this.body.replaceChildren(element("p", { class: "note" }, text));
  }

  #bars(name) {
    this.#asking.abort();
    this.#askedOf = "";
    this.#points = null;
    const sheet = this.#sheet;
    const column = sheet.columns.find((each) => each.sort === name);
    if (!column) return this.#note("The table does not show this measure.");
    const field = this.view.field(name);
    const rows = (sheet.top.length ? sheet.top : []).slice(0, MOST_BARS);
    if (!rows.length) return this.#note("Nothing to draw.");
    const { currency } = sheet.answer.question;
    const call = (row) => (sheet.flat && sheet.fields.length > 1 ? row.path.map((value, place) => named(value, sheet.fields[place])).join(" › ") : labelOf(sheet, row));
    const drawn = rows.map((row) => {
      const value = row.cells[column.place];
      const calls = column.calls === undefined ? null : row.cells[column.calls];
      const few = calls !== null && value !== null && calls < this.view.site.min_calls ? `Of ${many(calls, "call")} only` : "";
      return { name: call(row), text: told(value, column.type, currency === "native" ? "" : currency), number: value === null ? null : Number(value), few };
    });
    const { total_rows: all, row_count: here } = sheet.answer;
    const count = sheet.top.length < here ? many(sheet.top.length, "group") : many(all, "row"); // groups made of rows are all there
    this.said.textContent = rows.length < Math.min(all, sheet.top.length) || here < all ? `The first ${rows.length} of ${count}, as the table is sorted` : "As the table is sorted";
    this.body.replaceChildren(bars(drawn, `${field.label} of each row`));
  }

  /** Ask for the measure over time, unless that was asked. */
  async #ask(name) {
    const { view } = this;
    const field = view.field(name);
    if (field.type === "money" && view.asked.currency === "native") {
      this.#asking.abort();
      this.#askedOf = "";
      return this.#note("Choose a currency to see money over time: it is shown here as it was charged.");
    }
    const unit = unitOf(view.asked, (each) => view.field(each));
    const question = trend(view, unit, name);
    const key = JSON.stringify([question, this.#sheet.answer.as_of]);
    if (key === this.#askedOf) return;
    this.#askedOf = key;
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.body.setAttribute("aria-busy", "true");
    try {
      const answer = await query(question, { signal });
      this.#points = { all: points(answer, unit, name), unit: view.field(unit) ?? { name: unit, label: unit, type: "string" }, field, answer };
      if (this.#points.all.some((point) => point.number !== null)) this.#plot();
      else this.#note("Nothing to draw in this window.");
    } catch (failure) {
      if (failure.name === "AbortError") return;
      if (!failure.code) throw failure; // a mistake of ours
      this.#askedOf = "";
      this.#note([failure.message, failure.hint].filter(Boolean).join(": "));
    } finally {
      if (this.#asking.signal === signal) this.body.removeAttribute("aria-busy");
    }
  }

  #plot() {
    const { all, unit, field, answer } = this.#points;
    const width = Math.max(240, this.body.clientWidth);
    const of = (place) => `${named(all[place].value, unit)}: ${told(all[place].exact, field.type, answer.question.currency)}`;
    const rest = answer.compared ? ". The dashed line is the period before" : "";
    const idle = `By ${unit.label.toLowerCase()}${rest}`;
    const held = this.body.contains(document.activeElement);
    const tell = (place) => {
      this.said.textContent = place === null ? idle : of(place) + (all[place].before === undefined ? "" : `, before ${told(all[place].earlier, field.type, answer.question.currency)}`) + (all[place].calls < this.view.site.min_calls ? `, of ${many(all[place].calls, "call")} only` : "");
      if (place !== null && this.body.contains(document.activeElement)) announce(this.said.textContent);
    };
    const there = all.map((_, place) => place).filter((place) => all[place].number !== null);
    const least = there.reduce((one, other) => (all[other].number < all[one].number ? other : one), there[0]);
    const most = there.reduce((one, other) => (all[other].number > all[one].number ? other : one), there[0]);
    const label = `${field.label} by ${unit.label.toLowerCase()}, ${many(all.length, "point")}. Least ${of(least)}; most ${of(most)}. ${ASIDE}`;
    this.body.replaceChildren(line(all, { field: unit, type: field.type, width, label, tell }));
    tell(null);
    if (held) this.body.firstChild.focus();
  }
}
