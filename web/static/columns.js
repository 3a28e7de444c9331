/** A sheet and a font go in, where every column stands and what the bands of headings above them say comes out. */

import { isQuotient, named, shown } from "./format.js";

const PAD = 18; // both sides of a cell
const TWIST = 20; // room of the twisty, and of each level
const SAMPLE = 160;
const MOST_STRETCH = 1.5;
const NARROW = 500;
const OFFSET = /([+-]\d\d:\d\d)$/;

/** A measuring function for one font: the width of a text in pixels. All digits are as wide as a zero, as in the table. */
function ruler(font) {
  const known = new Map();
  let context = null;
  return (text) => {
    const shape = text.replace(/\d/g, "0");
    let width = known.get(shape);
    if (width === undefined) {
      context ??= pen(font);
      width = context.measureText(shape).width;
      known.set(shape, width);
    }
    return width;
  };
}

function pen(font) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = font;
  return context;
}

/** Some rows that tell how wide the rest is: the first, and others spread over all. */
function sampled(rows) {
  if (rows.length <= SAMPLE) return rows;
  const step = rows.length / SAMPLE;
  return Array.from({ length: SAMPLE }, (_, place) => rows[Math.floor(place * step)]);
}

/** How wide a heading is that may take two lines. */
function headingWidth(label, measure) {
  const parts = label.split(" ");
  let best = measure(label);
  for (let at = 1; at < parts.length; at++) best = Math.min(best, Math.max(measure(parts.slice(0, at).join(" ")), measure(parts.slice(at).join(" "))));
  return best;
}

/** The unit of a column where its label does not tell it. */
export function unitOf(column) {
  if (column.type === "percent" && column.aspect === "change") return "points"; // a percentage less another
  const unit = column.type === "percent" ? "%" : isQuotient(column.type) || column.type === "real" ? column.unit : "";
  return unit && !unit.startsWith("per ") && !column.label.toLowerCase().includes(unit) ? unit : "";
}

/** A heading as it is broken into lines: a unit stays beside the word before it. */
const headingOf = (column) => [column.label.replace(" %", "\u00a0%"), unitOf(column)].filter(Boolean).join("\u00a0");

/** Lay the columns of a sheet out; `room` is the width there is. Where that is little, the first column is as wide as a time. */
export function arrange(sheet, rows, { font, room }) {
  const measure = ruler(font);
  const bold = ruler(`600 ${font}`);
  const some = [...sampled(rows), ...(sheet.total ? [sheet.total] : [])];
  sheet.offset = room < NARROW ? offsetOf(sheet) : "";
  const firstLabel = firstHeading(sheet) + sheet.offset;
  const first = Math.max(bold(firstLabel) + PAD + 14, ...(sheet.across ?? []).map((field) => bold(field.label) + PAD), ...some.map((row) => PAD + (sheet.flat ? 0 : TWIST * row.level) + bold(labelOf(sheet, row))));
  const width = Math.ceil(Math.max(120, Math.min(first, Math.max(room * 0.4, Math.min(190, room * 0.58)), 380)));
  const widest = new Map(); // one width for a measure, whatever stands above it
  for (const column of sheet.columns) {
    const group = column.measure ?? column.name;
    const heading = headingWidth(headingOf(column), bold) + PAD + 14;
    let most = Math.max(widest.get(group) ?? 60, heading);
    for (const row of some) most = Math.max(most, bold(textOf(row, column)) + PAD);
    widest.set(group, column.text ? Math.min(most, 320) : most);
  }
  const widths = sheet.columns.map((column) => Math.ceil(widest.get(column.measure ?? column.name)));
  const total = widths.reduce((sum, each) => sum + each, width);
  const stretch = Math.min(MOST_STRETCH, Math.max(1, (room - width) / Math.max(1, total - width)));
  const lefts = [];
  let at = width;
  for (const [place, each] of widths.entries()) {
    lefts.push(at);
    widths[place] = Math.floor(each * stretch);
    at += widths[place];
  }
  return { first: width, firstLabel, lefts, widths, width: Math.max(at, room), bands: bands(sheet), two: sheet.columns.some((column, place) => bold(headingOf(column)) + PAD + 14 > widths[place]) };
}

/** What the first column is called: the dimensions it holds. */
function firstHeading(sheet) {
  if (!sheet.fields.length) return "";
  const labels = sheet.answer.columns.slice(0, sheet.grouped).map((column) => column.label);
  if (sheet.flat) return labels[0];
  return [...labels, ...sheet.fields.slice(sheet.grouped).map((field) => field.label)].join(" › ");
}

/** What times that name the rows are beside UTC, when all are the same: then the heading can say it for all of them. */
function offsetOf(sheet) {
  if (!sheet.flat || sheet.fields[0]?.type !== "instant") return "";
  const found = new Set(sheet.top.map((row) => OFFSET.exec(row.path[0])?.[1]));
  return found.size === 1 && !found.has(undefined) ? ` ${[...found][0]}` : "";
}

/** What a row is called. */
export function labelOf(sheet, row) {
  if (row === sheet.total) return "Total";
  if (!sheet.fields.length) return "All calls";
  const place = sheet.flat ? 0 : row.path.length - 1;
  const name = named(row.path[place], sheet.fields[place]);
  return sheet.offset && name.endsWith(sheet.offset) ? name.slice(0, -sheet.offset.length) : name;
}

/** The text of a cell, and for money what lies beyond its cents apart. */
export function textOf(row, column) {
  const value = row.cells[column.place];
  if (column.dimension) return row.path.length ? named(value, column.dimension) : "";
  const text = shown(value, column.type);
  return column.aspect?.startsWith("change") && text && !text.startsWith("-") && /[1-9]/.test(text) ? `+${text}` : text;
}

/** The bands above the headings: one for each dimension across, with runs of columns that share a value. */
function bands(sheet) {
  const across = sheet.columns.find((column) => column.pivot && Object.keys(column.pivot).length);
  const dimensions = across ? Object.keys(across.pivot) : [];
  return dimensions.map((dimension, depth) => {
    const runs = [];
    sheet.columns.forEach((column, place) => {
      const here = column.pivot ? dimensions.slice(0, depth + 1).map((name) => (column.other?.includes(name) ? "\0other" : column.pivot[name])) : null;
      const key = JSON.stringify(here);
      const last = runs.at(-1);
      if (last?.key === key) last.to = place + 1;
      else runs.push({ key, from: place, to: place + 1, label: here ? bandLabel(here.at(-1), sheet.across[depth]) : depth ? "" : "Total" });
    });
    return { dimension, label: sheet.across[depth].label, runs };
  });
}

function bandLabel(value, field) {
  if (value === "\0other") return "Other";
  return named(value, field);
}

/** The columns from `from` up to `to` that can be seen when the table is scrolled to `left`. */
export function within(layout, left, room) {
  const { lefts, widths, first } = layout;
  let from = 0;
  let to = lefts.length;
  for (let low = 0, high = lefts.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (lefts[middle] + widths[middle] <= left + first) low = middle + 1;
    else high = middle;
    from = low;
  }
  for (let low = from, high = lefts.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (lefts[middle] < left + room) low = middle + 1;
    else high = middle;
    to = low;
  }
  return [from, to];
}
