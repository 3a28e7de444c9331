/** A value and its column's type go in, the text that a person reads comes out; nothing is rounded that is money. */

/** A number with so many decimals, rounded as the server rounds: what lies exactly between goes to the even one. */
function fixed(value, places) {
  const between = Number.isInteger(value * 2 ** (places + 1)) && !Number.isInteger(value * 2 ** places);
  if (!between) return value.toFixed(places);
  const below = Math.floor(value * 10 ** places);
  return ((below % 2 === 0 ? below : below + 1) / 10 ** places).toFixed(places);
}

/** Digits with groups of thousands; what follows a point stays. `Intl` would do it, and cost a page 10 ms to begin with. */
function grouped(text) {
  const point = text.indexOf(".");
  const first = text.startsWith("-") ? 1 : 0;
  let at = (point < 0 ? text.length : point) - 3;
  let made = text;
  for (; at > first; at -= 3) made = `${made.slice(0, at)},${made.slice(at)}`;
  return made;
}

/** A count as a whole number. */
export const counted = (count) => grouped(fixed(Number(count), 0));

/** Types whose text stands at the left. */
const LEFT = new Set(["string", "date", "instant", "boolean"]);
/** Types that are quotients: over too few calls they say little. */
const QUOTIENTS = new Set(["percent", "ratio", "mean_duration"]);

export const isText = (type) => LEFT.has(type);
export const isQuotient = (type) => QUOTIENTS.has(type);

/** What a dimension's missing value is called. */
export const NONE = "(none)";
/** Stands for the rest of a dimension that is cut to its top values. */
export const OTHER = Object.freeze({ other: true, toString: () => "Other" });

/** Seconds as h:mm:ss. */
export function clock(seconds) {
  const round = Number(fixed(Math.abs(seconds), 0));
  const part = (value) => String(value).padStart(2, "0");
  const sign = seconds < 0 && round ? "-" : "";
  return `${sign}${Math.floor(round / 3600)}:${part(Math.floor(round / 60) % 60)}:${part(round % 60)}`;
}

/** Money as it is, with groups of thousands: it is text on its way here and stays exact. */
export function money(text) {
  const [, sign, digits, fraction = ""] = /^(-?)(\d+)(\.\d+)?$/.exec(text) ?? [null, "", text];
  return sign + grouped(digits) + fraction;
}

/** A moment as it is written in an answer, without the T and the seconds that are zero. */
function moment(text) {
  const [, day, time, offset] = /^(\S{10})T([\d:.]+)(.*)$/.exec(text) ?? [];
  return day ? `${day} ${time.replace(/:00(\.000)?$/, "")}${offset ? ` ${offset === "Z" ? "UTC" : offset}` : ""}` : text;
}

/** One value as text. */
export function shown(value, type) {
  if (value === null || value === undefined) return "";
  switch (type) {
    case "integer": return counted(value);
    case "duration": return clock(value);
    case "mean_duration": return fixed(value, 1);
    case "percent": return fixed(value, 2);
    case "real": return grouped(fixed(value, 2));
    case "ratio": return fixed(value, 6).replace(/\.?0+$/, "");
    case "money": return money(value);
    case "instant": return moment(value);
    case "boolean": return value ? "yes" : "no";
    default: return String(value);
  }
}

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/** The value of a dimension as it names a group: never empty, and not like a quantity. */
export function named(value, dimension) {
  if (value === null || value === undefined || value === "") return NONE;
  if (value === OTHER) return "Other";
  if (dimension.name === "day_of_week") return WEEKDAYS[value - 1] ?? String(value);
  if (dimension.name === "hour_of_day") return `${String(value).padStart(2, "0")}:00`;
  if (dimension.type === "integer") return String(value);
  return shown(value, dimension.type);
}

/** A count with its word: `1 row`, `1,200 rows`. */
export const many = (count, word, words = `${word}s`) => `${counted(count)} ${count === 1 ? word : words}`;

/** A large count in short: 1.2 million. */
export function short(count) {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} billion`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} million`;
  return counted(count);
}
