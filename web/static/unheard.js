/** A search and the calls that were found go in; which of its numbers had no call is told below them. */

import { calls } from "./api.js";
import { byId, element } from "./dom.js";
import { counted, many } from "./format.js";
import { digits } from "./pasted.js";

const AT_ONCE = 3;
const MOST = 30; // numbers that are looked up without being told to
const FIELDS = { any: ["number", "dialed", "cli", "dest_cli"], called: ["number", "dialed"], cli: ["cli"], dest_cli: ["dest_cli"] };

const say = (...said) => byId("unheard").replaceChildren(...said);

/** Say nothing, at the place where something will be said. */
export function clear(search) {
  byId("unheard").hidden = search.asked.numbers.length < 2;
  say();
}

/** Tell which of several numbers had no call: those that none of the calls at hand shows are looked for one by one. */
export function tell(search, pages, signal) {
  const { numbers } = search.asked;
  if (numbers.length < 2) return;
  const seen = heard(search.asked, pages);
  const open = numbers.filter((number) => !seen(number));
  if (open.length <= MOST) look(search, open, signal);
  else say(`${many(open.length, "number")} of ${counted(numbers.length)} not in these calls. `, element("button", { type: "button", class: "button plain", onclick: () => look(search, open, signal) }, "Look which of them had none"));
}

/** Whether a number is in the calls at hand; a no may be wrong, for it may be written otherwise there. */
function heard({ side, match }, pages) {
  const places = FIELDS[side].map((name) => pages[0].columns.findIndex((column) => column.name === name)).filter((place) => place >= 0);
  const found = new Set(pages.flatMap((page) => page.rows.flatMap((row) => places.map((place) => digits(String(row[place] ?? ""))))));
  return (number) => (match === "prefix" ? [...found].some((each) => each.startsWith(digits(number))) : found.has(digits(number)));
}

async function look(search, open, signal) {
  const { numbers } = search.asked;
  const without = new Set();
  const waiting = [...open];
  let done = 0;
  const worker = async () => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
      const { rows } = await calls({ ...search.question(), number: [number], limit: 1 }, { signal });
      if (!rows.length) without.add(number);
      done += 1;
      if (!signal.aborted && done < open.length) say(`Looking which numbers had no calls: ${done} of ${open.length}`);
    }
  };
  try {
    if (open.length) say("Looking which numbers had no calls…");
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } catch (failure) {
    if (failure.name !== "AbortError") say(`Which of them had no calls is not known: ${failure.message}`);
    return;
  }
  const none = numbers.filter((number) => without.has(number)); // in the order in which they were pasted
  say(none.length ? `${none.length} of ${many(numbers.length, "number")} had no calls: ` : `All ${many(numbers.length, "number")} had calls.`, ...(none.length ? [element("b", {}, none.join(", "))] : []));
}
