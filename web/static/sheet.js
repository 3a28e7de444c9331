/** Answers go in, a sheet comes out: the columns and the tree of rows that the table draws, and its sorting. */

import { isText, isQuotient } from "./format.js";

/** A group of calls, or a single row of a flat sheet; `cells` are in the order of the sheet's columns. */
export class Row {
  constructor(path, cells, { leaf, level = path.length }) {
    Object.assign(this, { path, cells, leaf, level, open: false, busy: false, problem: "", children: null, truncated: 0 });
  }

  get key() {
    return keyOf(this.path);
  }
}

export const keyOf = (path) => JSON.stringify(path);

export class Sheet {
  /** `fields` are the dimensions of the rows, `across` those of the columns; `shown` are the measures to show. */
  constructor(answer, fields, { flat, shown, across }) {
    this.answer = answer;
    this.fields = fields;
    this.across = across;
    this.flat = flat;
    const width = answer.columns.findIndex((column) => !fields.some((field) => field.name === column.name));
    this.grouped = width < 0 ? answer.columns.length : width;
    const measures = answer.columns.slice(this.grouped);
    this.positions = new Map(measures.map((column, place) => [column.name, place]));
    this.columns = [...(flat ? this.#dimensions() : []), ...this.#measures(measures, shown)];
    this.top = answer.rows.map((row) => this.row(row, measures));
    this.total = answer.totals && new Row([], this.#cells(answer.totals, measures), { leaf: true, level: 1 });
    if (answer.currencies) this.currencies = answer.currencies;
  }

  /** Columns of a flat sheet that name the group; the first of them is the heading of its row. */
  #dimensions() {
    return this.answer.columns.slice(1, this.grouped).map((column, place) => ({
      ...column, place: place + 1, text: isText(column.type), dimension: this.fields[place + 1], sort: column.name,
    }));
  }

  /** Columns with numbers; those asked only to know how much a quotient says are not shown. */
  #measures(measures, shown) {
    const offset = this.flat ? this.grouped : 0;
    const labels = new Map(measures.map((column) => [column.name, column.label]));
    const all = measures.map((column, place) => {
      const [base] = column.name.split("|", 1);
      const across = column.name.slice(base.length);
      const beside = { "": "attempts", previous: "attempts.previous" }[column.aspect ?? ""];
      const calls = isQuotient(column.type) && beside ? this.positions.get(`${beside}${across}`) : undefined;
      return {
        ...column, measure: column.measure ?? base, label: labels.get(base) ?? column.label, place: place + offset,
        text: isText(column.type), sort: column.name, calls: calls === undefined ? undefined : calls + offset,
      };
    });
    return all.filter((column) => shown.includes(column.measure));
  }

  /** The row of an answer as a row of this sheet; its columns may be fewer than the sheet's. */
  row(values, measures, grouped = this.grouped) {
    const leaf = this.flat || grouped >= this.fields.length;
    const row = new Row(values.slice(0, grouped), this.#cells(values, measures, grouped), { leaf });
    if (this.flat) row.level = 1;
    return row;
  }

  #cells(values, measures, grouped = this.grouped) {
    if (this.flat) return values;
    if (measures.length === this.positions.size) return values.slice(grouped);
    const cells = [];
    for (const column of this.answer.columns.slice(this.grouped)) cells.push(nothing(column.type));
    measures.forEach((column, place) => {
      const at = this.positions.get(column.name);
      if (at !== undefined) cells[at] = values[grouped + place];
    });
    return cells;
  }

  /** Put the rows of an answer after those that are here. */
  extend(answer) {
    const measures = answer.columns.slice(this.grouped);
    this.top = [...this.top, ...answer.rows.map((row) => this.row(row, measures))];
    const count = this.answer.row_count + answer.row_count;
    this.answer = { ...this.answer, row_count: count, total_rows: answer.total_rows, truncated: answer.truncated && count < answer.total_rows };
  }

  /** Put the rows of an answer one level down below the rows they belong to. */
  adopt(answer, depth) {
    const measures = answer.columns.slice(depth + 1);
    const families = new Map();
    for (const values of answer.rows) {
      const parent = keyOf(values.slice(0, depth));
      if (!families.has(parent)) families.set(parent, []);
      families.get(parent).push(this.row(values, measures, depth + 1));
    }
    return families;
  }

  /** Every row in sight, from above. */
  visible() {
    return walk(this.top, (row) => row.open);
  }

  /** Every row there is. */
  everything() {
    return walk(this.top, () => true);
  }

  /** The paths of the groups that are open. */
  opened() {
    return this.visible().filter((row) => row.open).map((row) => row.path);
  }

  /** Whether some rows are not here, so that only the server can sort them. */
  get truncated() {
    return this.answer.truncated || this.visible().some((row) => row.truncated > 0);
  }

  /** Sort within each parent as the server would: nulls last, equals by their names. */
  sort(keys) {
    const families = [this.top, ...this.everything().flatMap((row) => (row.children ? [row.children] : []))];
    if (keys.length) for (const rows of families) rows.sort(order(this, keys, rows[0]?.path.length ?? 1));
  }
}

function walk(rows, enters, found = []) {
  for (const row of rows) {
    found.push(row);
    if (row.children && enters(row)) walk(row.children, enters, found);
  }
  return found;
}

/** What a cell without calls holds. */
const nothing = (type) => (type === "money" ? "0.00" : isQuotient(type) ? null : 0);

function order(sheet, keys, depth) {
  const tests = keys.map((key) => {
    const dimension = sheet.fields.findIndex((field) => field.name === key.field);
    const column = sheet.columns.find((each) => each.sort === key.field);
    const turn = key.descending ? -1 : 1;
    if (dimension >= 0) return dimension < depth && ((one, other) => compare(one.path[dimension], other.path[dimension], turn));
    if (!column) return null;
    const exact = column.type === "money";
    return (one, other) => compare(number(one.cells[column.place], exact), number(other.cells[column.place], exact), turn);
  });
  const used = tests.filter(Boolean);
  return (one, other) => {
    for (const test of used) {
      const found = test(one, other);
      if (found) return found;
    }
    for (let place = 0; place < one.path.length; place++) {
      const found = compare(one.path[place], other.path[place], 1);
      if (found) return found;
    }
    return 0;
  };
}

function compare(one, other, turn) {
  if (one === other) return 0;
  if (one === null) return 1;
  if (other === null) return -1;
  return one < other ? -turn : one > other ? turn : 0;
}

/** Money is compared to its last place. */
function number(value, exact) {
  if (!exact || value === null) return value;
  const [digits, fraction = ""] = value.split(".");
  return BigInt(digits + fraction.padEnd(8, "0"));
}
