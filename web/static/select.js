/** A dimension goes in, a button that opens a list of its values comes out: several may be ticked, the server searches. */

import { get } from "./api.js";
import { anchored, element, newId } from "./dom.js";
import { NONE } from "./format.js";

const SOON = 200; // milliseconds after the last key until the server is asked

/**
 * `values()` returns what is chosen, `choose(values)` is told a new choice, `within()` the window whose values are listed.
 * Call `draw()` of the returned element when what is chosen changed.
 */
export function select(dimension, { values, choose, within }) {
  const id = newId("values");
  const told = element("b", {});
  const button = element("button", { type: "button", class: "button select", popovertarget: id, "aria-haspopup": "dialog" }, element("span", { class: "quiet" }, dimension.label), told);
  const search = element("input", { type: "search", class: "input", "aria-label": `Search ${dimension.label}`, placeholder: "Search" });
  const list = element("ul", { class: "choices" });
  const note = element("p", { class: "help", role: "status" });
  const clear = element("button", { type: "button", class: "button plain", onclick: () => pick([]) }, "All");
  const popover = element("div", { id, popover: "auto", class: "popover values", role: "dialog", "aria-label": dimension.label }, search, list, element("div", { class: "title" }, note, clear));
  let asking = new AbortController();
  let timer = 0;

  const pick = (chosen) => {
    choose(chosen);
    fill(shown);
  };
  let shown = [];
  const fill = (found) => {
    shown = found;
    const chosen = values().map(String);
    const all = [...chosen, ...found.map(String).filter((value) => !chosen.includes(value))];
    const focused = document.activeElement?.value;
    list.replaceChildren(...all.map((value) => {
      const box = element("input", { type: "checkbox", value, checked: chosen.includes(value) });
      box.addEventListener("change", () => pick(box.checked ? [...values(), value] : values().filter((each) => String(each) !== value)));
      return element("li", {}, element("label", { class: "check" }, box, value === "" ? NONE : value));
    }));
    if (!popover.contains(document.activeElement)) [...list.querySelectorAll("input")].find((box) => box.value === focused)?.focus();
  };
  const ask = async () => {
    asking.abort();
    asking = new AbortController();
    try {
      const { items } = await get(`/values/${dimension.name}`, { search: search.value, limit: 100, ...within() }, { signal: asking.signal });
      note.textContent = items.length === 100 ? "The first 100; search for others" : items.length ? "" : "No such value";
      fill(items);
    } catch (failure) {
      if (failure.name !== "AbortError") note.textContent = failure.message;
    }
  };
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, SOON);
  });
  popover.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    search.focus();
    ask();
  });
  anchored(popover, button);

  const host = element("div", { class: "selector" }, button, popover);
  host.draw = () => {
    const chosen = values();
    told.textContent = !chosen.length ? "All" : chosen.length === 1 ? chosen[0] || NONE : `${chosen.length} chosen`;
  };
  host.draw();
  return host;
}
