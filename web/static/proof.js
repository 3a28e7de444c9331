/** A proof goes in; its verdict, its tables with what differs, and what the audits found come out as elements. */

import { element } from "./dom.js";
import { counted, many } from "./format.js";
import { shifted, spoken } from "./periods.js";

const number = (value) => element("td", { class: "number" }, counted(value));
const DIFFERENCES = 200; // shown of one table; the API has all

/** The first day there is: a window that begins here was left open. */
const BEGINNING = "2000-01-01";

/** What an audit speaks of as a report, where there is a measure of it. */
const MEASURES = { customer_unrated: "unrated_customer_calls", provider_unrated: "unrated_provider_calls" };
const words = (pairs) => `/reports/explore?${new URLSearchParams(pairs)}`;

/** Everything about a proof; `repair` is called when somebody wants it. */
export function result(found, time, repair) {
  return [verdict(found, time, repair), tables(found), audits(found)];
}

function verdict(found, time, repair) {
  const span = spoken(found);
  const days = found.from <= BEGINNING ? "all days" : span;
  const when = element("small", {}, `${time.replace("T", " ").replace("Z", " UTC")}, commit ${found.commit}`);
  if (!found.exact) {
    return element("div", { class: "notice bad verdict", role: "alert" }, element("p", {}, element("b", {}, `Some sums of ${days} are not what the ledger says. `), when), element("button", { type: "button", class: "button", onclick: repair }, "Repair…"));
  }
  const text = found.repaired ? `Repaired: every sum of ${days} is what the ledger says again. ` : `Proven: every sum of ${days} is what the ledger says. `;
  return element("div", { class: "notice good verdict" }, element("p", {}, element("b", {}, text), when));
}

function tables({ tables: proofs, uncovered }) {
  const rows = proofs.flatMap((proof) => {
    const state = proof.exact ? (proof.mended ? "repaired" : "equal") : `${many(proof.differing, "day")} differ`;
    const row = element("tr", {}, element("th", { scope: "row" }, element("code", {}, proof.table)), element("td", {}, proof.zone), number(proof.tiles), number(proof.groups), number(proof.differing), number(proof.mended), element("td", {}, element("span", { class: `state ${proof.exact ? "loaded" : "failed"}` }, state)));
    const more = [...(proof.differences.length ? [differences(proof)] : []), ...(proof.unsettled.length ? [element("p", {}, `Could not be read at one commit: ${proof.unsettled.join(", ")}`)] : [])];
    return more.length ? [row, element("tr", {}, element("td", { colspan: 7 }, more))] : [row];
  });
  const waiting = uncovered.length ? [element("p", { class: "quiet" }, `Not in use yet: ${uncovered.join(", ")}`)] : [];
  return element("div", { class: "card" }, element("h2", { id: "tables" }, "Sums"), scroller("Sums", ["Table", "Zone", "Days*", "Groups*", "Differing*", "Mended*", "State"], rows), waiting);
}

function differences({ table, differences: all }) {
  const rows = all.slice(0, DIFFERENCES).map((each) => element("tr", {}, element("th", { scope: "row" }, each.day), element("td", {}, element("code", {}, each.part)), number(each.ledger), number(each.rollup), number(each.groups), element("td", { class: "long" }, Object.entries(each.worst).map(([name, value]) => `${name} ${value || "(none)"}`).join(", "))));
  const rest = all.length > DIFFERENCES ? [element("p", { class: "quiet" }, `and ${many(all.length - DIFFERENCES, "more difference")}`)] : [];
  return element("details", {}, element("summary", {}, many(all.length, "difference")), scroller(`Differences of ${table}`, ["Day", "Part", "Ledger*", "Sum*", "Groups*", "Most in"], rows), rest);
}

function audits({ audits: all, from, to }) {
  const rows = all.map((audit) => {
    const measure = MEASURES[audit.name];
    const count = counted(audit.found);
    const where = measure && audit.found && from > BEGINNING ? element("a", { href: words({ from, to, tz: "UTC", rows: "customer", measures: `${measure},attempts`, [`${measure}.gt`]: 0 }) }, count) : count;
    const about = [element("b", {}, audit.name.replaceAll("_", " ")), ` ${audit.about}`];
    const first = audit.found ? element("details", {}, element("summary", {}, about), examples(audit)) : about;
    return element("tr", {}, element("td", {}, first), element("td", { class: audit.found ? "number bad" : "number" }, where));
  });
  return element("div", { class: "card" }, element("h2", { id: "audits" }, "Audits"), scroller("Audits", ["What is looked for", "Found*"], rows));
}

function examples({ name, examples: all, found }) {
  const rows = all.map((each) => {
    const day = each.start_time.slice(0, 10);
    const link = element("a", { href: words({ from: day, to: shifted(day, 1), tz: "UTC", rows: "hour", source: each.source }) }, each.start_time.replace("T", " ").replace("Z", ""));
    return element("tr", {}, element("th", { scope: "row", class: "long" }, each.call_id), element("td", {}, each.source), number(each.attempt), element("td", { class: "time" }, link), element("td", { class: "long" }, Object.entries(each.amounts).map(([what, amount]) => `${what} ${amount}`).join(", ")));
  });
  const rest = found > all.length ? [element("p", { class: "quiet" }, `The first ${all.length} of ${counted(found)}`)] : [];
  return [scroller(`Examples of ${name}`, ["Call", "Source", "Attempt*", "Start (UTC)", "Amounts"], rows), rest].flat();
}

/** A table of these headings, those with a star over numbers. */
function scroller(label, headings, rows) {
  const head = headings.map((text) => element("th", { scope: "col", class: text.endsWith("*") ? "number" : null }, text.replace("*", "")));
  return element("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": label }, element("table", { class: "table" }, element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows)));
}
