/** A view of an account's page goes in, its report selector and its figures of the window come out. */

import { query } from "./api.js";
import { byId, element, newId } from "./dom.js";
import { shown } from "./format.js";
import { line } from "./words.js";

/** Put them on the page, when it is an account's. */
export function mount(view) {
  if (!view.account) return;
  byId("controls").querySelector("form").prepend(selector(view));
  calls(view);
  figures(view);
}

/** The way to the account's single calls. */
function calls(view) {
  const link = element("a", { class: "button" }, "Calls");
  const draw = () => {
    const { from, to, timezone } = view.asked;
    const [{ field, values }] = view.bound;
    link.href = `/reports/per-number?${new URLSearchParams({ from, to, tz: timezone, [`${field}.in`]: line(values) })}`;
  };
  view.addEventListener("asked", draw);
  byId("actions").prepend(link);
  draw();
}

/** Another report is chosen and then generated: it has a page of its own. */
function selector(view) {
  const { reports } = view.account;
  const option = ({ name, label }) => element("option", { value: name }, label);
  const saved = reports.filter((report) => report.saved).map(option);
  const box = element("select", { class: "input", id: newId("report") }, reports.filter((report) => !report.saved).map(option), saved.length ? element("optgroup", { label: "Saved views" }, saved) : null);
  const draw = () => {
    box.value = view.next ?? view.report.name;
    box.title = reports.find(({ name }) => name === box.value)?.help ?? "";
  };
  box.addEventListener("change", () => view.turn(box.value));
  view.addEventListener("draft", draw);
  addEventListener("pageshow", (event) => event.persisted && view.revert());
  draw();
  return element("div", { class: "field" }, element("label", { for: box.id }, "Report"), box);
}

/** What the account did in the window, whatever report stands below. */
function figures(view) {
  let asking = new AbortController();
  let drawn = "";
  const ask = async () => {
    const { from, to, timezone, currency, as_of } = view.asked;
    const question = { from, to, timezone, rows: [], measures: view.account.figures, where: view.bound, ...(currency ? { currency } : {}), ...(as_of ? { as_of } : {}) };
    if (JSON.stringify(question) === drawn) return;
    drawn = JSON.stringify(question);
    asking.abort();
    asking = new AbortController();
    try {
      const { columns, rows, question: asked } = await query(question, { signal: asking.signal });
      columns.forEach((column, place) => put(column.name, text(rows[0][place], column, asked.currency)));
    } catch (failure) {
      if (failure.name === "AbortError") return;
      for (const name of view.account.figures) put(name, ["–"], failure.message);
    }
  };
  view.addEventListener("asked", ask);
  ask();
}

/** Money to its cents here, for it is exact in the reports below; a ratio of nothing is a dash. */
function text(value, column, currency) {
  if (value === null) return ["–"];
  const said = shown(value, column.type);
  if (column.type === "money") return [said.replace(/(\.\d\d)\d+$/, "$1"), currency === "native" ? "" : currency];
  return [said, { percent: "%", mean_duration: "s" }[column.type]];
}

function put(name, [said, unit], why = "") {
  const cell = byId("figures").querySelector(`[data-measure="${name}"]`);
  cell.replaceChildren(said, unit ? element("small", {}, ` ${unit}`) : "");
  cell.classList.remove("skeleton");
  cell.classList.toggle("negative", said.startsWith("-"));
  cell.title = why;
}
