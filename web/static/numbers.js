/** A list of numbers as somebody pastes it goes in, a filter on them comes out, as records hold numbers. */

import { element, newId } from "./dom.js";
import { counted, many } from "./format.js";
import { pasted } from "./pasted.js";

const FIELDS = ["number", "cli", "dialed"];
/** As many as an address can hold. */
const MOST = 2000;

/** Whether a clause belongs to the box. */
export const holds = (view, { field, op }) => FIELDS.includes(field) && op === "in" && Boolean(view.field(field));

/**
 * What records may hold for a number as it is written, by the rules of loading (sql/ingest/read.sql.j2): E.164 digits, and
 * those of a number dialled at home, where `code` is the country calling code. Callers are kept as received; `received`
 * adds what a switch writes for them, and takes one who shows a name or none at all by that.
 */
export function spellings(text, code, received) {
  const bare = text.replace(/^(?:sips?|tel):([^@;>]*).*$/, "$1").replace(/[-() ./]/g, "");
  if (!/^\+?[0-9]+$/.test(bare)) return received ? [text.trim()] : [];
  const found = new Set([bare.replace(/^(\+|00)/, ""), dialled(bare, code)].filter(Boolean));
  if (received) {
    for (const number of [...found]) {
      if (number.startsWith(code)) found.add((code === "1" ? "" : "0") + number.slice(code.length));
      found.add(`+${number}`).add(`00${number}`);
      if (code === "1") found.add(`011${number}`);
    }
  }
  return [...found];
}

function dialled(bare, code) {
  if (/^(\+|00)/.test(bare)) return bare.replace(/^(\+|00)/, "");
  if (code === "1" && bare.startsWith("011")) return bare.slice(3);
  if (code === "1" && /^[2-9][0-9]{9}$/.test(bare)) return `1${bare}`;
  return code !== "1" && /^0[1-9]/.test(bare) ? code + bare.slice(1) : bare;
}

/** The box, or null for those who may ask for no number. */
export function box(view) {
  const fields = FIELDS.map((name) => view.field(name)).filter(Boolean);
  if (!fields.length) return null;
  const area = element("textarea", { class: "input", rows: 4, id: newId("numbers"), spellcheck: "false", autocomplete: "off", placeholder: "one a line, as +44…, 0044… or as dialled at home" });
  const which = element("select", { class: "input", "aria-label": "Which number" }, fields.map((field) => element("option", { value: field.name }, field.label)));
  const told = element("p", { class: "help", role: "status" });
  let mine = ""; // what the box itself has put into the view
  let held = "";
  const wanted = () => view.draft.where.find((clause) => holds(view, clause));
  const put = () => {
    const said = pasted(area.value);
    const received = which.value === "cli";
    const all = said.map((text) => spellings(text, view.site.home_code, received));
    const bad = said.filter((_, place) => !all[place].length);
    const values = [...new Set(all.flat())];
    const over = values.length > MOST;
    area.setAttribute("aria-invalid", String(bad.length > 0 || over));
    told.textContent = over ? `Too many: an address holds about ${counted(MOST)}. Ask for fewer, or use the API.` : bad.length ? `No number: ${bad.slice(0, 3).join(", ")}` : said.length ? many(new Set(all.map((each) => each.join())).size, "number") : "";
    if (bad.length || over) return;
    const rest = view.draft.where.filter((clause) => !holds(view, clause));
    held = values.length ? JSON.stringify({ field: which.value, values }) : "";
    mine = held;
    view.change({ where: values.length ? [...rest, { field: which.value, op: "in", values }] : rest });
  };
  area.addEventListener("input", put);
  which.addEventListener("change", put);
  const draw = () => {
    const clause = wanted();
    const now = clause ? JSON.stringify({ field: clause.field, values: clause.values.map(String) }) : "";
    if (now === held && (now === mine || area.contains(document.activeElement))) return;
    held = now;
    area.value = clause ? clause.values.join("\n") : "";
    if (clause) which.value = clause.field;
    told.textContent = clause ? many(clause.values.length, "spelling") : "";
  };
  return { element: element("fieldset", { class: "numbers" }, element("div", { class: "field" }, element("label", { for: area.id }, "Numbers"), which, area, told)), draw };
}
