/** A view goes in, the question of a measure over time comes out, with the same filters as the table; and its points. */

const DAY = 86400000;
const UNITS = [[DAY / 2, "minute15"], [4 * DAY, "hour"], [200 * DAY, "day"], [1400 * DAY, "week"], [Infinity, "month"]];
const LENGTH = { minute15: DAY / 96, hour: DAY / 24, day: DAY, week: 7 * DAY, month: 30 * DAY, quarter: 91 * DAY, year: 365 * DAY };
const CYCLES = ["hour_of_day", "day_of_week"];
const MOST_POINTS = 900;
/** What those are told who cannot see it. */
export const ASIDE = "The table below has the same figures by row.";

/** The time dimension of a trend: the question's own, else what fits the length of the window. */
export function unitOf({ rows, columns, pivot, from, to }) {
  const span = Math.max(1, Date.parse(to) - Date.parse(from));
  const own = [...rows, ...(pivot ? columns : [])].find((name) => CYCLES.includes(name) || (LENGTH[name] && span / LENGTH[name] <= MOST_POINTS && span / LENGTH[name] >= 2));
  return own ?? UNITS.find(([most]) => span <= most)[1];
}

/**
 * The question. A filter on a measure chooses rows of the table; so there the rows stay, and what is drawn are the sums of
 * all that pass, at each time.
 */
export function trend(view, unit, measure) {
  const { asked } = view;
  const field = view.field(measure);
  const calls = ["percent", "ratio", "mean_duration"].includes(field.type) && measure !== "attempts" && view.field("attempts") ? ["attempts"] : [];
  const plain = { measures: [measure, ...calls], sort: [], top: [], fill: true };
  const choosing = asked.where.some((clause) => view.field(clause.field)?.kind === "measure");
  if (!choosing || !asked.rows.length) return { ...view.question(plain), rows: [unit], columns: [] };
  const rest = asked.rows.filter((name) => name !== unit);
  if (rest.length === asked.rows.length) return { ...view.question(plain), rows: rest, columns: [unit], totals: true, limit: 0 };
  if (!rest.length) return { ...view.question(plain), rows: [unit], columns: [] };
  return { ...view.question(plain), rows: [unit, ...rest], columns: [], subtotals: true, limit: 0 };
}

/** The points of an answer: {value, number, exact, before, earlier, calls}, null where nothing was. */
export function points(answer, unit, measure) {
  const place = new Map(answer.columns.map((column, at) => [column.name, at]));
  const point = (value, row, across) => {
    const at = (name) => row[place.get(name + across)];
    const exact = at(measure);
    const earlier = answer.compared ? at(`${measure}.previous`) : undefined;
    return { value, exact, number: number(exact), earlier, before: answer.compared ? number(earlier) : undefined, calls: measure !== "attempts" && place.has(`attempts${across}`) ? (at("attempts") ?? 0) : Infinity };
  };
  const groups = answer.subtotals?.filter(({ level }) => level === 1).map(({ row }) => row);
  if (place.has(unit)) return (groups ?? answer.rows).map((row) => point(row[place.get(unit)], row, ""));
  const columns = answer.columns.filter((column) => column.pivot && column.measure === measure && !column.aspect);
  return columns.filter((column) => column.pivot[unit] !== undefined).map((column) => point(column.pivot[unit], answer.totals, column.name.slice(measure.length)));
}

const number = (value) => (value === null || value === undefined ? null : Number(value));
