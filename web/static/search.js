/**
 * What the page knows goes in; the search, which is the state of the Per Number page, comes out: a search of the API
 * (docs/reference/api.md), and which columns of its calls are shown.
 *
 * It is told and asked like the view of a report (view.js): `asked` and `draft`, `change`, `ask`, `revert`, `filter`,
 * `choose`, `look`, the events "draft", "asked" and "look". So the controls and panels of reports are its own, too.
 */

import * as words from "./words.js";

const NOTHING = { rows: [], columns: [], measures: [], sort: [], top: [], where: [], calls: null, currency: null, as_of: null };
const LONGEST = 4000; // characters of numbers that an address takes to the server; more stay behind its #
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const LOCAL = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?)?$/;

export class Search extends EventTarget {
  #page;

  /** `page` is what the server says about the page, see web/number_page.py. */
  constructor(page) {
    super();
    this.#page = page;
    Object.assign(this, { site: page.site, catalog: page.catalog, report: page.report, columns: page.columns, months: page.months, usual: page.usual });
    Object.assign(this, { fixed: [], bound: [], account: null, preset: { ...NOTHING }, saved: page.report.saved ?? false });
    this.fields = new Map(page.catalog.dimensions.map((each) => [each.name, { ...each, kind: "dimension" }]));
    this.#read();
    this.#write(history.replaceState);
    addEventListener("popstate", () => {
      this.#read();
      this.#tell("look", "draft", "asked");
    });
  }

  field(name) {
    return this.fields.get(name);
  }

  get pending() {
    return !same(this.asked, this.draft);
  }

  clause(field, op) {
    return this.draft.where.find((each) => each.field === field && each.op === op)?.values;
  }

  /** Whether it says whose calls are wanted; without that nothing is asked. */
  get whose() {
    return this.asked.numbers.length > 0 || this.asked.where.length > 0;
  }

  /** The last moment that a window from `from` on may end; null when only the server can tell. */
  latest({ from }) {
    if (!LOCAL.test(from)) return null;
    const [year, month, day] = from.slice(0, 10).split("-").map(Number);
    const last = new Date(Date.UTC(year, month - 1 + this.months + 1, 0)).getUTCDate();
    return new Date(Date.UTC(year, month - 1 + this.months, Math.min(day, last))).toISOString().slice(0, 10) + from.slice(10);
  }

  /** Whether numbers cannot be looked for in such a window. */
  tooLong(said) {
    const latest = this.latest(said);
    const whole = (moment) => (moment.length === 10 ? `${moment}T00:00` : moment);
    return said.numbers.length > 0 && latest !== null && LOCAL.test(said.to) && whole(said.to) > whole(latest);
  }

  change(patch) {
    this.draft = Object.freeze({ ...this.draft, ...structuredClone(patch) });
    this.#tell("draft");
  }

  ask(patch = {}) {
    this.draft = Object.freeze({ ...this.draft, ...structuredClone(patch) });
    const changed = this.pending;
    this.asked = this.draft;
    if (changed) this.#write(history.pushState);
    this.#tell("draft", "asked");
  }

  revert() {
    this.draft = this.asked;
    this.#tell("draft");
  }

  filter(field, op, values) {
    const rest = this.draft.where.filter((each) => each.field !== field || each.op !== op);
    const empty = !values.length && op !== "is_null" && op !== "not_null";
    this.change({ where: empty ? rest : [...rest, { field, op, values }] });
  }

  unfilter(field) {
    this.change({ where: this.draft.where.filter((each) => each.field !== field) });
  }

  async choose(parameter, value) {
    this.change({ [parameter]: value });
  }

  look(patch) {
    this.shown = Object.freeze({ ...this.shown, ...structuredClone(patch) });
    this.#write(history.replaceState);
    this.#tell("look");
  }

  /** The asked search as the API takes it. */
  question() {
    const { from, to, timezone, numbers, side, match, where, calls, currency, as_of } = this.asked;
    const said = { from, to, timezone, number: numbers, side, match, where, calls, currency, as_of };
    return Object.fromEntries(Object.entries(said).filter(([, value]) => value != null && !same(value, [])));
  }

  /** The asked search as the words of a URL of the API. */
  parameters() {
    return this.#words(this.#plain());
  }

  /** What is saved of it: the search without its window, and the columns that are shown. */
  kept() {
    const { from, to, ...said } = this.question();
    return { report: "per-number", ...said, columns: this.columns.map(({ name }) => name).filter((name) => this.shown.columns.includes(name)) };
  }

  #words(usual) {
    const view = this.asked;
    const said = words.written({ ...view, columns: [] }, { ...usual, columns: [] });
    if (!usual.where.length) said.delete("filters");
    if (view.match !== usual.match) said.set("match", view.match);
    if (!same(view.numbers, usual.numbers)) said.set("number", words.line(view.numbers));
    return said;
  }

  #plain() {
    return { ...NOTHING, ...this.#page.window, timezone: this.site.timezone, side: "any", match: "exact", numbers: [] };
  }

  #usual() {
    const { columns, number, ...kept } = this.#page.kept;
    return { ...this.#plain(), ...kept, numbers: number ?? [] };
  }

  #tell(...names) {
    for (const name of names) this.dispatchEvent(new Event(name));
  }

  #read() {
    const said = new URLSearchParams(location.search);
    const usual = this.#usual();
    const written = [...said.getAll("number"), ...new URLSearchParams(location.hash.slice(1)).getAll("number")];
    const numbers = written.length ? written.flatMap(words.values).filter((text) => text.trim()) : usual.numbers;
    const match = said.has("match") ? (said.get("match") === "prefix" ? "prefix" : "exact") : usual.match;
    const look = { panel: said.get("panel") ?? "", columns: said.has("show") ? words.values(said.get("show")) : this.usual };
    for (const word of ["number", "match", "panel", "show", "rows", "columns", "measures", "sort", "top"]) said.delete(word);
    const view = words.read(said, usual);
    this.asked = this.draft = Object.freeze({ ...view, numbers, match });
    this.shown = Object.freeze(look);
  }

  #write(how) {
    const said = this.#words(this.#usual());
    if (!same(this.shown.columns, this.usual)) said.set("show", words.line(this.shown.columns));
    if (this.shown.panel) said.set("panel", this.shown.panel);
    const numbers = said.get("number") ?? "";
    const behind = numbers.length > LONGEST ? `#${new URLSearchParams({ number: numbers })}` : "";
    if (behind) said.delete("number");
    const url = `${this.#page.path}?${said.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/")}${behind}`;
    if (url !== location.pathname + location.search + location.hash) how.call(history, null, "", url);
  }
}
