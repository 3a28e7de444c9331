/** A view goes in, the Options panel comes out: what counts, in which money, compared with what, cut where, as of when. */

import { get } from "./api.js";
import { byId, element, newId } from "./dom.js";

const COUNTED = [["attempts", "Every attempt"], ["final", "One per call"]];
const BASES = [["attempts", "All attempts"], ["seizures", "Seizures: attempts that got a line"]];
const COMPARED = [["", "Nothing"], ["previous", "The period before"], ["week", "A week before"], ["year", "A year before"]];
const CLOSE = "close:";
const BATCH = "batch:";

/** Put the panel on the page. */
export function mount(view) {
  const parts = [
    choice("Count", COUNTED, () => view.draft.calls ?? "", (calls) => view.change({ calls }), "A call that was tried on three routes is three attempts and one call."),
    choice("ASR and NER are over", BASES, () => view.draft.base, (base) => view.change({ base })),
    currency(view),
    choice("Compare with", COMPARED, () => view.draft.compare ?? "", (compare) => view.change({ compare: compare || null })),
    fill(view), tops(view), moment(view),
  ];
  byId("options-panel").append(...parts.map((part) => part.element));
  const draw = () => {
    for (const part of parts) part.draw();
  };
  view.addEventListener("draft", draw);
  draw();
}

const options = (pairs) => pairs.map(([value, label]) => element("option", { value }, label));

function field(label, input, ...more) {
  input.id = newId("option");
  return element("div", { class: "field" }, element("label", { for: input.id }, label), input, ...more);
}

function choice(label, pairs, value, change, help) {
  const box = element("select", { class: "input" }, options(pairs));
  box.addEventListener("change", () => change(box.value));
  return { element: field(label, box, help && element("p", { class: "help" }, help)), draw: () => (box.value = value()) };
}

function currency(view) {
  const list = element("datalist", { id: newId("currencies") }, options([["native", "As it was charged"], ...Intl.supportedValuesOf("currency").map((code) => [code, code])]));
  const input = element("input", { class: "input", list: list.id, maxlength: 6, spellcheck: "false", autocomplete: "off" });
  const known = () => /^([a-z]{3}|native)$/i.test(input.value.trim());
  input.addEventListener("input", () => {
    input.setAttribute("aria-invalid", String(!known()));
    if (known()) view.change({ currency: /^native$/i.test(input.value.trim()) ? "native" : input.value.trim().toUpperCase() });
  });
  const made = field("Currency", input, list, element("p", { class: "help" }, "Three letters, or native: as it was charged."));
  return { element: made, draw: () => input !== document.activeElement && (input.value = view.draft.currency) };
}

function fill(view) {
  const box = element("input", { type: "checkbox", onchange: () => view.change({ fill: box.checked }) });
  return { element: element("label", { class: "check" }, box, "List times without calls"), draw: () => (box.checked = Boolean(view.draft.fill)) };
}

/** For each dimension that is shown, how many of its values; the rest becomes one, Other. */
function tops(view) {
  const host = element("fieldset", { class: "tops" });
  let drawn = "";
  const draw = () => {
    const { rows, columns, pivot, top } = view.draft;
    const shown = [...rows, ...(pivot ? columns : [])];
    const key = JSON.stringify([shown, top]);
    if (key === drawn) return;
    const held = host.contains(document.activeElement) ? document.activeElement.dataset.of : null;
    drawn = key;
    host.hidden = !shown.length;
    host.replaceChildren(element("legend", {}, "Only the largest, the rest as Other"), ...shown.map((name) => topOf(view, name)));
    if (held) [...host.querySelectorAll("[data-of]")].find((each) => each.dataset.of === held)?.focus();
  };
  return { element: host, draw };
}

function topOf(view, name) {
  const label = view.field(name)?.label ?? name;
  const held = view.draft.top.find((top) => top.field === name);
  const count = element("input", { class: "input", type: "number", min: 1, max: 1000, placeholder: "all", "aria-label": `How many of ${label}`, value: held?.count ?? "", dataset: { of: `${name} count` } });
  const measures = view.catalog.measures.map((each) => [each.name, `by ${each.label}`]);
  const by = element("select", { class: "input", "aria-label": `The largest of ${label} by`, dataset: { of: `${name} by` } }, options([["", "by the first count"], ...measures]));
  by.value = held?.by ?? "";
  by.disabled = !held;
  const put = () => {
    const many = Math.min(1000, Math.floor(Number(count.value)));
    const rest = view.draft.top.filter((top) => top.field !== name);
    view.change({ top: many >= 1 ? [...rest, { field: name, count: many, ...(by.value ? { by: by.value } : {}) }] : rest });
  };
  for (const input of [count, by]) input.addEventListener("change", put);
  return element("div", { class: "top-of" }, element("span", { class: "name" }, label), count, by);
}

/** As of when: now, a moment, and for operators a closed month or a load. */
function moment(view) {
  const kinds = [["", "Now"], ["instant", "A moment"], ...(view.site.operator ? [[CLOSE, "A closed month"], [BATCH, "A load"]] : [])];
  const kind = element("select", { class: "input" }, options(kinds));
  const when = element("input", { class: "input", "aria-label": "Which moment", placeholder: "2026-11-01T09:00", spellcheck: "false", autocomplete: "off" });
  const month = element("select", { class: "input", "aria-label": "Which closed month" });
  const load = element("input", { class: "input", type: "number", min: 1, "aria-label": "Which load, by its number", placeholder: "number of the load" });
  const help = element("p", { class: "help" }, "As it stood then: records, reference data and exchange rates.");
  const made = element("div", { class: "field" }, field("As of", kind), when, month, load, help);
  let held; // what the view said when this was drawn, or what this has put there
  const put = () => {
    const said = { "": () => null, instant: () => when.value.trim() || null, [CLOSE]: () => (month.value ? CLOSE + month.value : null), [BATCH]: () => (load.value ? BATCH + load.value : null) };
    held = said[kind.value]();
    view.change({ as_of: held });
  };
  const closes = async (chosen) => {
    if (month.dataset.asked) return;
    month.dataset.asked = "yes";
    try {
      const { items } = await get("/closes");
      month.replaceChildren(...options(items.length ? items.map((each) => [each.month, each.month]) : [["", "no month is closed"]]));
      if (chosen) month.value = chosen;
      else if (kind.value === CLOSE) put();
    } catch (failure) {
      help.textContent = failure.message;
    }
  };
  const show = () => {
    when.hidden = kind.value !== "instant";
    month.hidden = kind.value !== CLOSE;
    load.hidden = kind.value !== BATCH;
  };
  kind.addEventListener("change", () => {
    show();
    if (kind.value === CLOSE) closes();
    put();
  });
  for (const input of [when, month, load]) input.addEventListener("change", put);
  const draw = () => {
    const said = view.draft.as_of;
    if (said === held) return;
    held = said;
    kind.value = said === null ? "" : ([CLOSE, BATCH].find((each) => said.startsWith(each)) ?? "instant");
    if (kind.value === "instant") when.value = said;
    if (kind.value === BATCH) load.value = said.slice(BATCH.length);
    if (kind.value === CLOSE) {
      month.value = said.slice(CLOSE.length);
      closes(said.slice(CLOSE.length));
    }
    show();
  };
  return { element: made, draw };
}
