/** A view that lists accounts goes in; a search for them by id and by name, and links to their pages, come out. */

import { query } from "./api.js";
import { byId, element, newId } from "./dom.js";

const MOST = 500; // accounts that a search by id and by name together may name

/** The last part of an address that ends in this id, as web/accounts.py reads it. */
export const escaped = (id) => encodeURIComponent(["", ".", ".."].includes(id) || /^[=/]/.test(id) ? `=${id}` : id);

/** Put the search on the page, when it lists accounts. */
export function mount(view, table) {
  const { listed } = view;
  if (!listed) return;
  table.linkOf = (row) => {
    const id = row.path[view.asked.rows.indexOf(listed)];
    return typeof id === "string" ? `${view.path}/${escaped(id)}` : null;
  };
  const names = [listed, ...(view.named ? [`${listed}_name`] : [])];
  const box = element("input", { type: "search", class: "input", id: newId("search"), size: 22, spellcheck: "false" });
  const said = () => names.map((name) => view.draft.where.find((clause) => clause.field === name && clause.op === "contains")?.values[0]).find(Boolean) ?? "";
  const search = async () => view.ask({ where: await found(view, names, box.value.trim()) });
  box.addEventListener("change", search);
  box.addEventListener("search", () => box.value || search()); // its own button empties it
  view.addEventListener("draft", () => box !== document.activeElement && (box.value = said()));
  box.value = said();
  byId("controls").querySelector("form").prepend(element("div", { class: "field" }, element("label", { for: box.id }, names.length > 1 ? "Id or name holds" : "Id holds"), box));
}

/**
 * The filters that find accounts by a text. Clauses are joined by *and*: what is found by id and by name is asked for by
 * name where that is all, by id where that is all, and else one by one.
 */
async function found(view, names, text) {
  const others = view.draft.where.filter((clause) => !names.includes(clause.field));
  if (!text) return others;
  const by = (field) => ({ field, op: "contains", values: [text] });
  if (names.length < 2) return [...others, by(names[0])];
  const { from, to, timezone } = view.draft;
  const ask = (field) => query({ from, to, timezone, rows: [names[0]], measures: ["attempts"], where: [...others, by(field)], limit: MOST }).then((answer) => answer.rows.map((row) => row[0]), () => []);
  const [ids, named] = await Promise.all(names.map(ask));
  if (named.every((id) => ids.includes(id))) return [...others, by(named.length || ids.length ? names[0] : names[1])];
  if (ids.every((id) => named.includes(id))) return [...others, by(names[1])];
  return [...others, { field: names[0], op: "in", values: [...new Set([...named, ...ids])] }];
}
