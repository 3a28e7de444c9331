/** What a chart shows goes in, where its axes have ticks and what those say comes out: no label stands there twice. */

import { clock, named, shown } from "./format.js";

const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MOST_TICKS = 5;

/** The smallest round step of which a few reach over `span`. */
function stepOver(span, type) {
  const wanted = span / MOST_TICKS || 1;
  if (type === "duration" && wanted <= SECONDS.at(-1)) return SECONDS.find((each) => each >= wanted);
  const unit = type === "duration" ? 3600 : 1;
  const size = 10 ** Math.floor(Math.log10(wanted / unit));
  const step = unit * size * ([1, 2, 5].find((each) => each * size * unit >= wanted) ?? 10);
  return type === "integer" ? Math.max(1, step) : step;
}

/** The axis of a measure: from `low` to `high`, zero among them, with `ticks` of {at, label}. */
export function amounts(values, type) {
  const some = values.filter((value) => value !== null);
  const least = Math.min(0, ...some);
  const most = Math.max(0, ...some);
  const step = stepOver(most - least, type);
  const low = Math.floor(least / step) * step;
  const high = Math.max(Math.ceil(most / step), low === 0 ? 1 : 0) * step;
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const number = new Intl.NumberFormat("en", { minimumFractionDigits: places, maximumFractionDigits: places });
  const label = (value) => (type === "duration" ? clock(value) : `${number.format(value)}${type === "percent" ? " %" : ""}`);
  const count = Math.round((high - low) / step);
  return { low, high, ticks: Array.from({ length: count + 1 }, (_, place) => low + place * step).map((at) => ({ at, label: label(at) })) };
}

/** A bucket of time as its parts. */
function parts(value) {
  const [, year, month, day, hour, minute] = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d))?/.exec(value) ?? [];
  return { year, month: MONTHS[month - 1], day: Number(day), hour: Number(hour ?? 0), minute: Number(minute ?? 0), time: hour && `${hour}:${minute}` };
}

/** What a tick says, and below it what holds for some of them. */
const WORDS = {
  time: ({ time, day, month }) => [time, `${day} ${month}`],
  day: ({ day, month, year }) => [String(day), `${month} ${year}`],
  month: ({ month, year }) => [month, year],
  year: ({ year }) => [year, ""],
};

/**
 * The axis of time buckets: `ticks` of {place, label, below}, at most `room` of them. `below` is said where it changes.
 * `field` is the time dimension whose values the buckets are.
 */
export function times(values, field, room) {
  if (field.name === "hour_of_day" || field.name === "day_of_week") {
    const step = Math.ceil(values.length / room);
    return values.map((value, place) => ({ place, label: named(value, field).slice(0, 5), below: "" })).filter(({ place }) => place % step === 0);
  }
  const clocked = field.name === "hour" || field.name === "minute15";
  const found = values.map((value, place) => ({ place, ...parts(value) }));
  let kept = clocked ? onTheClock(found, room) : null;
  const kind = kept ? "time" : { month: "month", quarter: "month", year: "year" }[field.name] ?? "day";
  if (!kept) {
    const days = clocked ? found.filter(({ hour, minute }) => hour === 0 && minute === 0) : found;
    const step = Math.max(1, Math.ceil(days.length / room));
    kept = days.filter((_, place) => place % step === 0);
  }
  let before = "";
  return kept.map((each) => {
    const [label, below] = WORDS[kind](each);
    const said = below === before ? "" : below;
    before = below;
    return { place: each.place, label, below: said };
  });
}

/** Times at whole steps of minutes, as far as there is room; null when not even every twelfth hour has some. */
function onTheClock(found, room) {
  for (const step of [15, 30, 60, 120, 180, 360, 720]) {
    const kept = found.filter(({ hour, minute }) => (hour * 60 + minute) % step === 0);
    if (kept.length <= room) return kept.length ? kept : found.slice(0, 1);
  }
  return null;
}

/** A value of a measure as text, with its unit. */
export function told(value, type, currency) {
  if (value === null || value === undefined) return "none";
  const text = shown(value, type);
  return type === "percent" ? `${text} %` : type === "money" && currency ? `${text} ${currency}` : text;
}
