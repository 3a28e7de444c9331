/** Rows of the table go in, a bar for each comes out: a list, so that it reads as one. */

import { element } from "./dom.js";

/** Bars of `rows` of {name, text, number, few}; null numbers have none. */
export function bars(rows, label) {
  const numbers = rows.map((row) => row.number ?? 0);
  const low = Math.min(0, ...numbers);
  const span = Math.max(0, ...numbers) - low || 1;
  const items = rows.map(({ name, text, number, few }) => {
    const bar = element("span", { class: number < 0 ? "bar under" : "bar" });
    bar.style.left = `${((Math.min(0, number ?? 0) - low) / span) * 100}%`;
    bar.style.width = `${(Math.abs(number ?? 0) / span) * 100}%`;
    return element("li", { class: few ? "few" : null, title: few || null }, element("span", { class: "name", title: name }, name), element("span", { class: "track", "aria-hidden": "true" }, bar), element("span", { class: "value" }, text));
  });
  return element("ol", { class: "bars", "aria-label": label, tabindex: 0 }, items);
}
