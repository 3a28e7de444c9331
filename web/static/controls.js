/** A view goes in, the controls above the table come out: window, zone, what the report lets choose, and selectors. */

import { byId, element, newId } from "./dom.js";
import { NAMES, nameOf, shifted, windowOf } from "./periods.js";
import { select } from "./select.js";

const SELECTORS = ["customer", "customer_destination", "provider"];
const CUSTOM = "Custom";
/** Zones that browsers know and do not list, or list under the name of before. */
const ZONES = ["UTC", "America/Argentina/Buenos_Aires", "America/Indiana/Indianapolis", "America/Nuuk", "Asia/Ho_Chi_Minh", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Yangon", "Europe/Kyiv"];
const DATE = /^\d{4}-\d\d-\d\d$/;

/** Put the controls on the page. */
export function mount(view) {
  const parts = [period(view), ...edges(view), zone(view), ...choices(view), ...selectors(view)];
  const form = element("form", { class: "controls", "aria-label": "What is asked", autocomplete: "off" }, parts.map((part) => part.element), element("button", { type: "submit", hidden: true }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    view.ask();
  });
  byId("controls").replaceChildren(form);
  const draw = () => {
    for (const part of parts) part.draw();
  };
  view.addEventListener("draft", draw);
  draw();
}

function field(label, input) {
  input.id = newId("control");
  input.classList.add("input");
  return element("div", { class: "field" }, element("label", { for: input.id }, label), input);
}

const options = (pairs) => pairs.map(([value, label]) => element("option", { value }, label));

/** Windows with a name are asked at once. */
function period(view) {
  const box = element("select", {}, options([...NAMES, CUSTOM].map((name) => [name, name])));
  box.addEventListener("change", () => (box.value === CUSTOM ? null : view.ask(windowOf(box.value, view.site.today))));
  return { element: field("Period", box), draw: () => (box.value = nameOf(view.draft, view.site.today) ?? CUSTOM) };
}

/** Whole days are chosen from a calendar, and the last one counts; times are written, and the last one does not. */
function edges(view) {
  return [["from", "From", 0], ["to", "To", 1]].map(([word, label, beyond]) => {
    const input = element("input", { size: 20, spellcheck: "false" });
    const made = field(label, input);
    input.addEventListener("change", () => {
      const days = input.type === "date";
      if (input.value) view.change({ [word]: days ? shifted(input.value, beyond) : input.value.trim() });
    });
    const draw = () => {
      const value = view.draft[word];
      const days = DATE.test(value);
      input.type = days ? "date" : "text";
      made.firstChild.textContent = days || !beyond ? label : `${label} (exclusive)`;
      if (input !== document.activeElement || !days) input.value = days ? shifted(value, -beyond) : value;
    };
    return { element: made, draw };
  });
}

function zone(view) {
  const list = element("datalist", { id: newId("zones") });
  const input = element("input", { list: list.id, size: 18, spellcheck: "false" });
  input.addEventListener("input", () => view.change({ timezone: input.value.trim() }));
  // hundreds of them: when they are wanted
  input.addEventListener("focus", () => list.append(...options([...new Set([...Intl.supportedValuesOf("timeZone"), ...ZONES])].sort().map((name) => [name, name]))), { once: true });
  const made = field("Time zone", input);
  made.append(list);
  return { element: made, draw: () => input !== document.activeElement && (input.value = view.draft.timezone) };
}

/** What the report itself lets choose, as Type of USA Calls: asked at once. */
function choices(view) {
  return (view.report.parameters ?? []).map((parameter) => {
    const box = element("select", { title: parameter.help }, options(parameter.values.map(({ value, label }) => [value, label])));
    box.addEventListener("change", async () => {
      await view.choose(parameter.name, box.value);
      view.ask();
    });
    return { element: field(parameter.label, box), draw: () => (box.value = view.draft[parameter.name] ?? parameter.default) };
  });
}

function selectors(view) {
  return SELECTORS.map((name) => view.field(name)).filter((dimension) => dimension && !view.bound.some((clause) => clause.field === dimension.name)).map((dimension) => {
    const made = select(dimension, {
      values: () => view.clause(dimension.name, "in") ?? [],
      choose: (values) => view.filter(dimension.name, "in", values),
      within: () => ({ from: view.draft.from, to: view.draft.to }),
    });
    return { element: made, draw: made.draw };
  });
}
