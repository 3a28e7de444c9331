/** Points over time go in, a line drawn of them comes out; the one at hand is told to whoever points or walks to it. */

import { amounts, times } from "./axes.js";
import { drawn } from "./dom.js";

const HEIGHT = 190;
const LEFT = 74;
const RIGHT = 14;
const TOP = 10;
const BOTTOM = 36;
const APART = 52; // pixels between labels of time

/**
 * Draw `points` of {value, number, before}: buckets of the time dimension `field` and what they amount to.
 * `tell(place)` is called with the bucket at hand, null when there is none.
 */
export function line(points, { field, type, width, label, tell }) {
  const room = Math.max(1, width - LEFT - RIGHT);
  const compared = points.some((point) => point.before !== undefined);
  const axis = amounts([...points.map((point) => point.number), ...(compared ? points.map((point) => point.before ?? null) : [])], type);
  const x = (place) => LEFT + (points.length === 1 ? room / 2 : (place / (points.length - 1)) * room);
  const y = (value) => TOP + (1 - (value - axis.low) / (axis.high - axis.low)) * (HEIGHT - TOP - BOTTOM);
  const grid = axis.ticks.map(({ at, label: text }) => [
    drawn("line", { class: at === 0 ? "zero" : "grid", x1: LEFT, x2: width - RIGHT, y1: y(at), y2: y(at) }),
    drawn("text", { class: "amount", x: LEFT - 8, y: y(at) + 4 }, text),
  ]);
  const below = times(points.map((point) => point.value), field, Math.max(2, Math.floor(room / APART))).map(({ place, label: text, below: more }) => [
    drawn("line", { class: "grid", x1: x(place), x2: x(place), y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4 }),
    drawn("text", { class: "moment", x: x(place), y: HEIGHT - BOTTOM + 16 }, text),
    more && drawn("text", { class: "moment more", x: x(place), y: HEIGHT - BOTTOM + 31 }, more),
  ]);
  const hand = [drawn("line", { class: "hand", y1: TOP, y2: HEIGHT - BOTTOM }), drawn("circle", { class: "hand", r: 4 })];
  const made = drawn("svg", { class: "plot", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label, tabindex: 0 },
    grid.flat(), below.flat(),
    compared && drawn("path", { class: "before", d: path(points.map((point) => point.before ?? null), x, y) }),
    drawn("path", { class: "now", d: path(points.map((point) => point.number), x, y) }),
    alone(points, x, y), hand);
  let at = null;
  const show = (place) => {
    at = place;
    const value = place === null ? null : points[place].number;
    for (const mark of hand) mark.classList.toggle("shown", place !== null && (mark.tagName === "line" || value !== null));
    if (place !== null) {
      for (const end of ["x1", "x2"]) hand[0].setAttribute(end, x(place));
      hand[1].setAttribute("cx", x(place));
      if (value !== null) hand[1].setAttribute("cy", y(value));
    }
    tell(place);
  };
  made.addEventListener("pointermove", ({ clientX }) => {
    const box = made.getBoundingClientRect();
    const inside = ((clientX - box.left) / box.width) * width - LEFT;
    show(Math.max(0, Math.min(points.length - 1, Math.round((inside / room) * (points.length - 1)))));
  });
  made.addEventListener("pointerleave", () => show(null));
  made.addEventListener("blur", () => show(null));
  made.addEventListener("keydown", (event) => {
    const last = points.length - 1;
    const next = { ArrowRight: Math.min(last, (at ?? -1) + 1), ArrowLeft: Math.max(0, (at ?? last + 1) - 1), Home: 0, End: last, Escape: null }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    show(next);
  });
  return made;
}

/** A line through what is there; where nothing is, it breaks off. */
function path(numbers, x, y) {
  let pen = "M";
  return numbers.map((number, place) => {
    const step = number === null ? "" : `${pen}${x(place).toFixed(1)} ${y(number).toFixed(1)}`;
    pen = number === null ? "M" : "L";
    return step;
  }).join("");
}

/** Points without neighbours have no line: they are dots. */
function alone(points, x, y) {
  const there = (place) => points[place] !== undefined && points[place].number !== null;
  return points.flatMap((point, place) => (there(place) && !there(place - 1) && !there(place + 1) ? [drawn("circle", { class: "alone", cx: x(place), cy: y(point.number), r: 3 })] : []));
}
