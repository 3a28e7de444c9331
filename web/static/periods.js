/** Today goes in, windows with a name come out; `to` is exclusive, as everywhere. */

const DAY = 86400000;

/** A date some days later. */
export const shifted = (day, days) => new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);

/** The days of a window as people say them, the last one included. */
export function spoken({ from, to }) {
  const last = to.length === 10 ? shifted(to, -1) : to;
  return last === from ? from : `${from} to ${last}`;
}

const month = (day, months) => {
  const [year, number] = day.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + months, 1)).toISOString().slice(0, 10);
};

const PERIODS = {
  "Today": (today) => [today, shifted(today, 1)],
  "Yesterday": (today) => [shifted(today, -1), today],
  "7 days": (today) => [shifted(today, -6), shifted(today, 1)],
  "30 days": (today) => [shifted(today, -29), shifted(today, 1)],
  "This month": (today) => [month(today, 0), month(today, 1)],
  "Last month": (today) => [month(today, -1), month(today, 0)],
};

/** The names of all windows there are. */
export const NAMES = Object.keys(PERIODS);

/** The window of a name. */
export function windowOf(name, today) {
  const [from, to] = PERIODS[name](today);
  return { from, to };
}

/** The name of a window, or undefined. */
export const nameOf = ({ from, to }, today) => NAMES.find((name) => {
  const found = windowOf(name, today);
  return found.from === from && found.to === to;
});
