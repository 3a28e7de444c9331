/** What becomes of a question goes in, what stands above, over or instead of the table comes out. */

import { query } from "./api.js";
import { announce, byId, element } from "./dom.js";
import { counted, many, short } from "./format.js";
import { shifted, spoken } from "./periods.js";

const SLOW = 300; // milliseconds until a question that is not answered yet is worth a word

/** The places of the page that tell how it stands; `cancel` is called by its button. */
export class States {
  #timer = 0;

  constructor({ cancel }) {
    this.sheet = byId("sheet");
    this.matrix = byId("matrix");
    this.notices = byId("notices");
    this.instead = byId("instead");
    this.said = element("output", {}, "");
    this.bar = element("progress", { "aria-label": "Rows read" });
    this.running = byId("running");
    this.running.append(this.said, this.bar, element("button", { type: "button", class: "button", onclick: cancel }, "Cancel"));
  }

  /** A question is under way. */
  asking() {
    clearTimeout(this.#timer);
    this.sheet.setAttribute("aria-busy", "true");
    this.progress({ rows_read: 0, rows_total: 0 });
    this.#timer = setTimeout(() => (this.running.hidden = false), SLOW);
  }

  progress({ rows_read: read, rows_total: total }) {
    if (total) this.bar.max = total;
    if (total) this.bar.value = read;
    else this.bar.removeAttribute("value");
    this.said.textContent = total ? `${short(read)} of ${short(total)} rows read` : read ? `${short(read)} rows read` : "Asking…";
  }

  /** It is answered, failed or cancelled. */
  over() {
    clearTimeout(this.#timer);
    this.running.hidden = true;
    this.sheet.removeAttribute("aria-busy");
  }

  /** Stand something in the place of the table. */
  replace(kind, title, ...words) {
    this.instead.className = `instead ${kind}`;
    this.instead.setAttribute("role", kind === "failed" ? "alert" : "status");
    this.instead.replaceChildren(element("h2", {}, title), ...words.map((word) => (typeof word === "string" ? element("p", {}, word) : word)));
    this.instead.hidden = false;
    this.sheet.hidden = true;
    this.matrix.hidden = true;
  }

  /** The table is there, with what a reader of it must know; or a matrix in its place. */
  table(warnings, matrix = null) {
    this.sheet.classList.remove("blank");
    this.instead.hidden = true;
    this.sheet.hidden = Boolean(matrix);
    this.matrix.hidden = !matrix;
    this.matrix.replaceChildren(...(matrix ?? []));
    this.#tell(warnings);
  }

  failed(failure) {
    if (!failure.code) throw failure; // a mistake of ours
    this.#tell([]);
    const afresh = location.search ? [element("a", { class: "button", href: location.pathname }, "Start afresh")] : [];
    this.replace("failed", sentence(failure.message), ...(failure.hint ? [sentence(failure.hint)] : []), ...afresh);
  }

  /** The question was ended by hand; `shown` when an earlier answer still stands there. */
  cancelled(shown) {
    announce("Cancelled.");
    if (shown) this.#tell(["Cancelled: this is the answer to the question before"]);
    else this.replace("empty", "Cancelled", "The question was ended before its answer. Refresh asks it again.");
  }

  #tell(texts) {
    this.notices.replaceChildren(...texts.map((text) => element("li", {}, sentence(text))));
    this.notices.hidden = !texts.length;
  }
}

const sentence = (text) => text[0].toUpperCase() + text.slice(1);

/** What a reader of an answer must know; `coming` when the rest of it is on its way. */
export function warnings({ answer, next }, coming) {
  const rest = next ? "the button below the table brings the next, a download holds them all" : "a download holds them all";
  const cut = `these are the first ${many(answer.row_count, "row")} of ${counted(answer.total_rows)}; totals are over all of them, and ${rest}`;
  return [...(answer.truncated && !coming ? [cut] : []), ...answer.warnings.map((warning) => warning.message)];
}

/** Whether a window in which a report tells nothing holds the newest call. */
const others = ({ from, to, as_of: asOf }, newest) => !asOf && newest >= from.slice(0, 10) && newest < to.slice(0, 10);

/** An answer without rows: say what would have some. */
export function empty(view, states) {
  const { newest } = view.site;
  const way = (label, patch) => element("button", { type: "button", class: "button", onclick: () => view.ask(patch) }, label);
  if (view.account && !view.asked.where.length) return emptyAccount(view, states, way);
  if (!newest) states.replace("empty", "Nothing is loaded yet", "Load a file with tollhouse ingest FILE, or try make demo.");
  else if (view.asked.where.length) states.replace("empty", "No calls pass these filters", `The newest call is of ${newest}.`, way("Show this window without them", { where: [] }));
  else if (others(view.asked, newest)) states.replace("empty", "No calls of this report in this window", "There are calls in it, but none that this report is about.");
  else states.replace("empty", "No calls in this window", `The newest call is of ${newest}.`, way("Show the week up to it", { from: shifted(newest, -6), to: shifted(newest, 1) }));
}

/** An account without calls in the window: its own newest ones are looked for. */
async function emptyAccount(view, states, way) {
  const { asked, account, site } = view;
  const title = `No calls of ${account.name} in this window`;
  states.replace("empty", title, "Looking when its newest call was…");
  const window = { from: "2000-01-01", to: shifted(site.newest ?? site.today, 2), timezone: asked.timezone };
  const question = { ...window, rows: ["day"], measures: ["attempts"], where: view.bound, sort: [{ field: "day", descending: true }], limit: 1 };
  const { rows } = await query(question).catch(() => ({ rows: null }));
  if (view.asked !== asked) return;
  const [newest] = rows?.[0] ?? [];
  if (newest) states.replace("empty", title, `Its newest call is of ${newest}.`, way("Show the week up to it", { from: shifted(newest, -6), to: shifted(newest, 1) }));
  else states.replace("empty", title, rows ? "No call of it is loaded at all." : "When its newest call was is not known.");
}

/** What an answer tells about itself, in one line. */
export function footer(sheet) {
  const { answer } = sheet;
  const { question } = answer;
  const rows = answer.truncated ? `${counted(answer.row_count)} of ${many(answer.total_rows, "row")}` : many(answer.row_count, "row");
  const groups = sheet.top.length < answer.row_count ? [many(sheet.top.length, "group")] : [];
  return [
    ...groups,
    sheet.flat || groups.length || sheet.grouped === sheet.fields.length ? rows : rows.replace("row", "group"),
    question.currency === "native" ? "money as charged" : `money in ${question.currency}`,
    question.calls === "attempts" ? "every attempt counts" : "one per call",
    spoken(question),
    question.timezone,
    `${short(answer.rows_read)} rows read in ${Math.round(answer.elapsed_ms)} ms`,
  ];
}
