/** A view goes in, the words of its URL come out, and back; a list is one CSV line, as in the API's own URLs. */

const SINGLE = ["from", "to", "timezone", "type", "side", "bucket", "calls", "base", "currency", "compare", "as_of", "since"];
const LISTS = ["rows", "columns", "measures"];
/** Words that can be undone: empty they say that what the report does is not to be done. */
const UNDONE = ["compare", "as_of", "since"];
const PARAMETERS = ["type", "side", "bucket"];
/** Words of an address that are a page's own, or say how much of an answer is wanted. */
const OTHERS = ["report", "pivot", "panel", "chart", "open", "filters", "totals", "subtotals", "limit", "offset", "parts"];

/** One value as it stands in a list: quoted when it holds what a list is made of. */
export function quoted(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) || text === "" || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The values of a list, as one line. */
export const line = (values) => values.map(quoted).join(",");

/** A line as its values; quotes may be missing at the end, as while somebody types. */
export function values(text) {
  const found = [];
  let at = 0;
  while (at <= text.length && text !== "") {
    let value = "";
    if (text[at] === '"') {
      for (at++; at < text.length; at++) {
        if (text[at] !== '"') value += text[at];
        else if (text[at + 1] === '"') value += text[at++];
        else break;
      }
      at++;
      while (at < text.length && text[at] !== ",") value += text[at++];
    } else {
      while (at < text.length && text[at] !== ",") value += text[at++];
    }
    found.push(value);
    at++;
  }
  return found;
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Write what of `view` differs from `preset` as parameters; `from` and `to` always stand there. */
export function written(view, preset) {
  const words = new URLSearchParams();
  for (const word of SINGLE) {
    const always = word === "from" || word === "to";
    if (view[word] != null && (always || view[word] !== preset[word])) words.set(word === "timezone" ? "tz" : word, view[word]);
  }
  for (const word of UNDONE) if (view[word] == null && preset[word] != null) words.set(word, "");
  for (const word of LISTS) if (!same(view[word], preset[word])) words.set(word, line(view[word]));
  if (Boolean(view.fill) !== Boolean(preset.fill)) words.set("fill", String(Boolean(view.fill)));
  if (view.sort.length && !same(view.sort, preset.sort)) words.set("sort", line(view.sort.map(sortWord)));
  if (!same(view.top, preset.top ?? [])) words.set("top", line(view.top.map((top) => [top.field, top.count ?? 10, ...(top.by ? [top.by] : [])].join(":"))));
  if (!same(view.where, preset.where)) {
    for (const clause of view.where) words.append(`${clause.field}.${clause.op}`, line(clause.values));
    if (!view.where.length) words.set("filters", "none");
  }
  return words;
}

const sortWord = (key) => `${key.field}:${key.descending ? "desc" : "asc"}`;

/**
 * Read a view from parameters; what they do not say is the preset's. A name that nobody knows is a filter, too: the server
 * refuses it and says what was meant, for without it more would be shown than was asked for.
 */
export function read(words, preset) {
  const view = structuredClone(preset);
  const where = [];
  for (const [name, text] of words) {
    const word = name === "tz" ? "timezone" : name;
    const [field, op] = name.split(".");
    if (UNDONE.includes(word)) view[word] = text || null;
    else if (SINGLE.includes(word)) view[word] = text;
    else if (LISTS.includes(word)) view[word] = values(text);
    else if (word === "fill") view.fill = text !== "false";
    else if (word === "sort") view.sort = values(text).map(sortKey);
    else if (word === "top") view.top = values(text).filter(Boolean).map(topOf);
    else if (!OTHERS.includes(word)) add(where, field, op ?? "in", values(text));
  }
  if (where.length || words.has("filters")) view.where = where;
  return view;
}

function add(where, field, op, more) {
  const held = where.find((clause) => clause.field === field && clause.op === op);
  if (held) held.values.push(...more);
  else where.push({ field, op, values: more });
}

function sortKey(text) {
  const colon = text.lastIndexOf(":");
  const direction = colon < 0 ? "" : text.slice(colon + 1);
  if (direction !== "desc" && direction !== "asc") return { field: text, descending: false };
  return { field: text.slice(0, colon), descending: direction === "desc" };
}

function topOf(text) {
  const [field, count, by] = text.split(":");
  return { field, count: Number(count ?? 10), ...(by ? { by } : {}) };
}

/** The parameters of a report (Type, Side, Per) among what is given. */
export const parametersOf = (view) => Object.fromEntries(PARAMETERS.filter((word) => view[word] != null).map((word) => [word, view[word]]));
