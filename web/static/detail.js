/** A call goes in, a dialog with everything that is known of it comes out; the calls around it are a key away. */

import { byId, element } from "./dom.js";
import { shown } from "./format.js";

/** Open the dialog on one of `rows`, whose values are in the order of `columns`; `known` tells what columns mean. */
export function show(columns, rows, place, known) {
  const dialog = byId("detail");
  const help = new Map(known.map((column) => [column.name, column.help]));
  const title = element("h2", { id: "detail-title" });
  const list = element("dl", { class: "detail", tabindex: 0, "aria-labelledby": "detail-title" });
  const newer = element("button", { type: "button", class: "button", onclick: () => go(-1) }, "Newer");
  const older = element("button", { type: "button", class: "button", onclick: () => go(1) }, "Older");
  const close = element("button", { type: "button", class: "button primary", onclick: () => dialog.close() }, "Close");
  const go = (step) => {
    if (!rows[place + step]) return;
    place += step;
    draw();
  };
  const draw = () => {
    const row = rows[place];
    title.textContent = `Call of ${shown(row[0], columns[0].type)}`;
    list.replaceChildren(...columns.map((column, at) => {
      const text = shown(row[at], column.type);
      const unit = column.unit && text && column.type === "real" ? ` ${column.unit}` : "";
      return element("div", {}, element("dt", { title: help.get(column.name) }, column.label), element("dd", { class: text ? "" : "missing" }, text ? text + unit : "not known"));
    }));
    newer.disabled = place === 0;
    older.disabled = place === rows.length - 1;
  };
  dialog.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) go(step);
  };
  dialog.setAttribute("aria-labelledby", "detail-title");
  dialog.replaceChildren(element("header", { class: "title" }, title, element("div", { class: "actions" }, newer, older, close)), list);
  draw();
  dialog.showModal();
  close.focus();
}
