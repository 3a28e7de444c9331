/**
 * What the page knows goes in; the view, which is THE state of a report page, comes out. Everything drawn follows it.
 *
 * A view is a question in the words of the API (docs/reference/query.md) plus `pivot`:
 *
 *   { report, type?, side?, bucket?, from, to, timezone, rows: [], columns: [], measures: [], where: [{field, op, values}],
 *     calls, base, currency, sort: [{field, descending}], top: [], compare, fill, as_of, since, pivot }
 *
 * It exists twice. `view.asked` is what the table shows; `view.draft` is what the controls and panels show. They differ
 * while changes are pending; Refresh makes the draft the asked. Both are frozen: never change them in place.
 *
 *   view.change({ rows: ["customer", "day"] })   something people do in steps: pending until Refresh
 *   view.ask({ from, to })                       something that is whole: the draft with it is asked at once
 *   view.ask()                                   Refresh
 *   view.revert()                                forget what is pending
 *   view.filter("asr", "lt", ["20"])             pending; replaces the clause of that field and operator, [] removes it
 *   view.unfilter("asr")                         pending; removes every clause of a field
 *   view.choose("type", "lata")                  a parameter of the report, which brings other rows and measures
 *   view.look({ panel: "filters" })              presentation, at once and without asking: `view.shown` holds it
 *   view.turn("dtmf")                            another report of the account: pending, asked it is a page of its own
 *   view.clause(field, op)                       the draft's values, or undefined;  view.pending, view.pendingFields()
 *
 * Events (view.addEventListener): "draft" something pending changed; "asked" the question to ask changed, or is to be
 * asked again; "look" presentation changed. Each is told once after the change; draw from `view`, not from the event.
 *
 * `view.site` is {timezone, currency, today, newest, min_calls, operator, home_code}, `view.catalog` what GET /catalog tells,
 * `view.field(name)` a dimension or measure of it with `kind` "dimension" or "measure", undefined for one that is not
 * the caller's. `view.preset` is what the report starts from, `view.fixed` are filters that belong to the report and
 * cannot be taken away, `view.bound` those among them that belong to the page: they are in every question it asks. On the
 * page of an account `view.account` is {kind, id, name, reports, figures}. Nothing is ever hidden from customers by the
 * browser: what is not theirs is not in the catalog.
 *
 * Where elements of the page go (web/templates/report.html): #controls dates, zone and selectors; #chart charts above
 * the table; #columns-panel, #filters-panel and #options-panel beside it, of which `view.shown.panel` says which is open;
 * #actions the buttons at the right of the title. report.js calls each module's `mount(view)` once: those of panels and
 * charts when they are opened first. first.js makes THE view and asks its first question.
 */

import * as words from "./words.js";
import { get } from "./api.js";

const EMPTY = {
  rows: [], columns: [], measures: [], where: [], sort: [], top: [], base: "attempts", fill: false, as_of: null, since: null,
  compare: null, currency: null, calls: null, pivot: false,
};
/** Words that, empty, undo what the report does. */
const UNDOING = ["compare", "as_of", "since", "fill", "top"];
const LOOK = { panel: "", chart: "", expanded: [] };
/** Words of a view that are no words of a question. */
const OWN = ["pivot", "totals", "subtotals", "limit", "offset", "parts"];
/** Words that are given when a saved question is asked. */
const WINDOW = ["from", "to", "limit", "offset"];
/** Left out they would be the report's own. */
const NEVER_LEFT_OUT = new Set(["rows", "columns", "measures"]);
const LONGEST_MEMORY = 200; // expanded groups that a URL holds

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export class View extends EventTarget {
  #page;
  #presets = new Map();

  /** `page` is what the server says about the page, see web/report_page.py. */
  constructor(page) {
    super();
    this.#page = page;
    this.site = page.site;
    this.catalog = page.catalog;
    this.bound = page.bound ?? [];
    this.account = page.account ?? null;
    this.listed = page.listed ?? null;
    this.named = Boolean(page.named);
    this.fixed = [...page.fixed, ...this.bound];
    this.report = page.report;
    this.saved = page.saved;
    this.path = page.path;
    const fields = [...page.catalog.dimensions.map((each) => ({ ...each, kind: "dimension" })), ...page.catalog.measures.map((each) => ({ ...each, kind: "measure" }))];
    this.fields = new Map(fields.map((field) => [field.name, field]));
    this.#presets.set(JSON.stringify(words.parametersOf(page.preset)), page.preset);
    this.#read();
    this.#write(history.replaceState);
    addEventListener("popstate", () => this.#restore());
  }

  field(name) {
    return this.fields.get(name);
  }

  get pending() {
    return Boolean(this.next) || !same(this.asked, this.draft);
  }

  /** The words of the view whose pending value differs from the asked one. */
  pendingFields() {
    return Object.keys(this.draft).filter((word) => !same(this.asked[word], this.draft[word]));
  }

  clause(field, op) {
    return this.draft.where.find((each) => each.field === field && each.op === op)?.values;
  }

  change(patch) {
    this.#draft(patch);
    this.#tell("draft");
  }

  ask(patch = {}) {
    this.#draft(patch);
    if (this.next) return location.assign(this.#elsewhere());
    const changed = this.pending;
    this.asked = this.draft;
    if (changed) this.#write(history.pushState);
    this.#tell("draft", "asked");
  }

  /** Change the asked question and leave what else is pending as it is; `again` false when the answer is there. */
  amend(patch, { again = true } = {}) {
    this.asked = Object.freeze({ ...this.asked, ...structuredClone(patch) });
    this.draft = Object.freeze({ ...this.draft, ...structuredClone(patch) });
    this.#write(history.pushState);
    this.#tell("draft", ...(again ? ["asked"] : []));
  }

  revert() {
    this.next = null;
    this.draft = this.asked;
    this.#tell("draft");
  }

  turn(name) {
    this.next = name === this.report.name ? null : name;
    this.#tell("draft");
  }

  filter(field, op, values) {
    const rest = this.draft.where.filter((each) => each.field !== field || each.op !== op);
    const empty = !values.length && op !== "is_null" && op !== "not_null";
    const at = this.draft.where.findIndex((each) => each.field === field && each.op === op);
    const where = empty ? rest : rest.toSpliced(at < 0 ? rest.length : at, 0, { field, op, values });
    this.change({ where });
  }

  unfilter(field) {
    this.change({ where: this.draft.where.filter((each) => each.field !== field) });
  }

  async choose(parameter, value) {
    const chosen = { ...words.parametersOf(this.draft), [parameter]: value };
    const preset = await this.#presetOf(chosen);
    this.preset = preset;
    this.change({ ...chosen, rows: preset.rows, columns: preset.columns, measures: preset.measures, sort: [] });
  }

  look(patch) {
    this.shown = Object.freeze({ ...this.shown, ...structuredClone(patch) });
    this.#write(history.replaceState);
    this.#tell("look");
  }

  /** The asked question as the API takes it; `more` replaces words of it. Flat tables have nothing across. */
  question(more = {}, view = this.asked) {
    const { pivot, ...asked } = view;
    if (!pivot) asked.columns = [];
    const said = { ...asked, ...more };
    said.where = [...this.bound, ...said.where];
    return Object.fromEntries(Object.entries(said).filter(([word, value]) => NEVER_LEFT_OUT.has(word) || this.#undoes(word) || !(value == null || value === false || same(value, []))));
  }

  /** What is saved of it: the question without its window, and that its groups fold. */
  kept() {
    const question = this.question(this.asked.pivot ? { subtotals: true } : {});
    for (const word of WINDOW) delete question[word];
    return question;
  }

  /** The asked question as the words of a URL of the API, complete: for links to downloads. */
  parameters() {
    const { pivot, ...asked } = this.asked;
    const nothing = { rows: null, columns: null, measures: null, sort: [], where: [] };
    const where = [...this.bound, ...asked.where];
    const said = words.written({ ...asked, where, columns: pivot ? asked.columns : [] }, nothing);
    said.delete("filters");
    for (const word of UNDOING) if (this.#undoes(word) && !said.has(word)) said.set(word, word === "fill" ? String(asked.fill) : "");
    return said;
  }

  /** Whether the report does something that has to be undone when it is not wanted. */
  #undoes(word) {
    const usual = this.preset[word];
    return UNDOING.includes(word) && !(usual == null || usual === false || same(usual, []));
  }

  #draft(patch) {
    const draft = { ...this.draft, ...structuredClone(patch) };
    const here = new Set([...draft.rows, ...draft.measures]);
    // a sort by what is no longer shown would be refused
    const standing = (name) => here.has(name) || here.has(name.split("|")[0]) || (draft.compare && here.has(name.split("|")[0].split(".")[0]));
    draft.sort = draft.sort.filter((key) => standing(key.field));
    // nor can be cut to its top what is not shown
    const shown = new Set([...draft.rows, ...(draft.pivot ? draft.columns : [])]);
    draft.top = draft.top.filter((top) => shown.has(top.field));
    this.draft = Object.freeze(draft);
  }

  #tell(...names) {
    for (const name of names) this.dispatchEvent(new Event(name));
  }

  #filled(preset) {
    const found = { ...EMPTY, timezone: this.site.timezone, currency: this.site.currency, ...this.#page.window, ...preset };
    found.pivot = Boolean(preset.subtotals || preset.columns?.length);
    found.where = this.#page.saved ? (preset.where ?? []) : [];
    if (!this.#page.saved) this.fixed = [...(preset.where ?? []), ...this.bound];
    const own = found.rows.filter((name) => !this.#binds(name));
    if (own.length) found.rows = own; // the same in every row
    for (const word of OWN) if (word !== "pivot") delete found[word];
    return found;
  }

  /** What the report starts from when its parameters are chosen like this. */
  async #presetOf(chosen) {
    const key = JSON.stringify(chosen);
    if (!this.#presets.has(key)) {
      const preset = await get(`/reports/${this.report.name}`, chosen);
      this.#presets.set(key, preset);
    }
    return this.#filled(this.#presets.get(key));
  }

  #read() {
    const said = new URLSearchParams(location.search);
    this.preset ??= this.#filled(this.#page.preset);
    const view = words.read(said, this.preset);
    // filters of one kind on one field are one in an address, where their values add up: the page's own stays alone
    for (const clause of view.where) if (clause.op === "eq" && this.#binds(clause.field)) clause.op = "in";
    if (said.has("pivot")) view.pivot = said.get("pivot") !== "off";
    this.asked = this.draft = Object.freeze(view);
    const expanded = said.getAll("open").map((text) => path(text)).filter(Boolean);
    this.shown = Object.freeze({ panel: said.get("panel") ?? LOOK.panel, chart: said.get("chart") ?? LOOK.chart, expanded });
  }

  #binds(field) {
    return this.bound.some((clause) => clause.field === field);
  }

  /** Where the report is that was chosen: with the window, and the filters of calls. */
  #elsewhere() {
    const { from, to, timezone, currency } = this.draft;
    const where = this.draft.where.filter((clause) => this.field(clause.field)?.kind === "dimension");
    const kept = { rows: null, columns: null, measures: null, sort: [], top: [], from, to, timezone, currency, where };
    const { site } = this;
    const said = words.written(kept, { rows: null, columns: null, measures: null, where: [], timezone: site.timezone, currency: site.currency });
    said.set("report", this.next);
    return `${this.path}?${readable(said)}`;
  }

  async #restore() {
    const usual = Object.fromEntries((this.report.parameters ?? []).map((each) => [each.name, each.default]));
    const chosen = { ...usual, ...words.parametersOf(Object.fromEntries(new URLSearchParams(location.search))) };
    this.preset = await this.#presetOf(chosen);
    this.#read();
    this.#tell("look", "draft", "asked");
  }

  #write(how) {
    const said = words.written(this.asked, this.preset);
    if (this.account && this.report.name !== this.account.reports[0].name) said.set("report", this.report.name);
    for (const { name, default: usual } of this.report.parameters ?? []) if (this.asked[name] && this.asked[name] !== usual) said.set(name, this.asked[name]);
    if (this.asked.pivot !== this.preset.pivot) said.set("pivot", this.asked.pivot ? "on" : "off");
    if (this.shown.panel) said.set("panel", this.shown.panel);
    if (this.shown.chart) said.set("chart", this.shown.chart);
    for (const open of this.shown.expanded.slice(0, LONGEST_MEMORY)) said.append("open", JSON.stringify(open));
    const url = `${this.path}?${readable(said)}`;
    if (url !== location.pathname + location.search) how.call(history, null, "", url);
  }
}

/** Commas, colons and brackets may stand in a query string as they are, and URLs are read by people. */
function readable(said) {
  return said.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/");
}

function path(text) {
  try {
    const found = JSON.parse(text);
    return Array.isArray(found) ? found : null;
  } catch {
    return null; // somebody's typing
  }
}
