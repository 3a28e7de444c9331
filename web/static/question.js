/** A search goes in; the box of numbers, the columns' panel and the buttons beside the title come out. */

import { byId, element, newId } from "./dom.js";
import { downloads } from "./downloads.js";
import { many } from "./format.js";
import { names, pasted } from "./pasted.js";
import { shifted } from "./periods.js";

const MATCHES = [["exact", "Whole numbers"], ["prefix", "How they begin"]];

/** Put them on the page. */
export function mount(search) {
  const parts = [box(search), chooser(search), actions(search)];
  const draw = () => {
    for (const part of parts) part();
  };
  for (const name of ["draft", "look"]) search.addEventListener(name, draw);
  draw();
}

/** The box takes what is pasted; what is wrong with it, and the longest window, is said before anything is asked. */
function box(search) {
  const area = element("textarea", { class: "input", rows: 3, id: newId("numbers"), spellcheck: "false", autocomplete: "off", placeholder: "+44 20 7946 0000\n0049301234567, 2125550100" });
  const match = element("select", { class: "input", id: newId("match") }, MATCHES.map(([value, label]) => element("option", { value }, label)));
  const told = element("p", { class: "help", id: newId("told"), role: "status" });
  const limit = element("p", { class: "help", id: newId("limit") });
  area.setAttribute("aria-describedby", `${told.id} ${limit.id}`);
  const put = () => search.change({ match: match.value, numbers: pasted(area.value, { prefix: match.value === "prefix" }) });
  area.addEventListener("input", put);
  match.addEventListener("change", put);
  byId("numbers").append(element("div", { class: "field" }, element("label", { for: area.id }, "Numbers: one a line, or with commas or spaces"), area), element("div", { class: "beside" }, element("div", { class: "field" }, element("label", { for: match.id }, "Compared as"), match), limit, told));
  return () => {
    const { draft } = search;
    if (area !== document.activeElement && String(pasted(area.value, { prefix: draft.match === "prefix" })) !== String(draft.numbers)) area.value = draft.numbers.join("\n");
    match.value = draft.match;
    const without = names(draft.numbers);
    told.textContent = [draft.numbers.length && many(draft.numbers.length, "number"), without.length && `without digits: ${without.slice(0, 3).join(", ")}`].filter(Boolean).join(", ");
    const latest = search.latest(draft);
    const last = latest && (latest.length === 10 ? shifted(latest, -1) : latest);
    limit.textContent = `At most ${search.months} months${last ? `: to ${last}` : ""}`;
    limit.classList.toggle("negative", search.tooLong(draft));
  };
}

/** Every column of a call can be shown; the time of the call names its row. */
function chooser(search) {
  const panel = byId("columns-panel");
  const boxes = search.columns.map((column, place) => {
    const input = element("input", { type: "checkbox", value: column.name, disabled: place === 0 });
    input.addEventListener("change", () => {
      const wanted = new Set(input.checked ? [...search.shown.columns, column.name] : search.shown.columns.filter((name) => name !== column.name));
      search.look({ columns: search.columns.map(({ name }) => name).filter((name) => wanted.has(name)) });
    });
    return input;
  });
  const all = element("button", { type: "button", class: "button", onclick: () => search.look({ columns: search.columns.map(({ name }) => name) }) }, "All");
  const usual = element("button", { type: "button", class: "button", onclick: () => search.look({ columns: search.usual }) }, "As usual");
  panel.append(element("div", { class: "chips" }, all, usual), element("ul", { class: "free" }, boxes.map((input, place) => element("li", {}, element("label", { class: "check", title: search.columns[place].help }, input, search.columns[place].label)))));
  return () => {
    boxes.forEach((input, place) => (input.checked = place === 0 || search.shown.columns.includes(input.value)));
  };
}

function actions(search) {
  const panels = [["columns", "Columns"], ["filters", "Filters"]].map(([name, label]) => {
    const count = element("span", { class: "count" });
    const button = element("button", { type: "button", class: "button", "aria-controls": `${name}-panel`, "aria-expanded": false }, label, count);
    button.addEventListener("click", () => search.look({ panel: search.shown.panel === name ? "" : name }));
    return { name, button, count };
  });
  const file = (ending) => ({ path: "/calls", words: search.parameters(), body: search.question(), file: `calls-${search.asked.from}.${ending}`.replaceAll(":", "") });
  const find = element("button", { type: "button", class: "button primary", id: "refresh", title: "Ctrl+Enter", onclick: () => search.ask() }, "Find calls");
  const revert = element("button", { type: "button", class: "button plain undo", hidden: true, onclick: () => search.revert() }, "Undo changes");
  const save = downloads("Download", file);
  const keep = search.site.operator && element("button", { type: "button", class: "button", onclick: async () => (await import("./saving.js")).open(search) }, "Save view…");
  byId("actions").append(revert, ...panels.map(({ button }) => button), ...(keep ? [keep] : []), save, find);
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) search.ask();
  });
  return () => {
    find.classList.toggle("pending", search.pending);
    revert.hidden = !search.pending;
    save.querySelector("button").disabled = !search.whose || search.tooLong(search.asked);
    for (const { name, button, count } of panels) {
      const open = search.shown.panel === name;
      button.setAttribute("aria-expanded", String(open));
      byId(`${name}-panel`).hidden = !open;
      if (name === "filters") count.textContent = search.draft.where.length || "";
    }
  };
}
