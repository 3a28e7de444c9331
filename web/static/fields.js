/** A view goes in, the Columns panel comes out: which fields are rows, columns and values, by mouse, touch and keys. */

import { announce, byId, element, newId } from "./dom.js";

const ZONES = { rows: "Row groups", columns: "Column labels", measures: "Values" };
const KEYS = { r: "rows", c: "columns", v: "measures" };
const HELP = "Drag it, or press R for row groups, C for column labels, V for values, Alt with up or down to move it, Delete to take it away.";
const FAR = 5; // pixels until a press is a drag

/** Put the panel on the page. */
export function mount(view) {
  new Panel(view, byId("columns-panel"));
}

class Panel {
  #dragged = null;

  constructor(view, panel) {
    this.view = view;
    const help = newId("fields");
    this.help = help;
    this.pivot = element("input", { type: "checkbox", role: "switch", class: "switch", onchange: () => this.#turn(this.pivot.checked) });
    this.search = element("input", { type: "search", class: "input", placeholder: "Search fields", "aria-label": "Search fields", oninput: () => this.#list() });
    this.zones = element("div", { class: "zones" });
    this.free = element("div", { class: "free" });
    panel.append(
      element("label", { class: "check pivot" }, this.pivot, "Pivot"),
      this.zones, this.search, this.free,
      element("p", { id: help, class: "unseen" }, HELP),
    );
    panel.addEventListener("keydown", (event) => this.#key(event));
    panel.addEventListener("pointerdown", (event) => this.#press(event));
    this.panel = panel;
    view.addEventListener("draft", () => this.#draw());
    this.#draw();
  }

  #turn(pivot) {
    this.view.change({ pivot });
    announce(pivot ? "Pivot on" : "Pivot off");
  }

  /** The zone a field is in, if any. */
  #zoneOf(name) {
    return Object.keys(ZONES).find((zone) => this.view.draft[zone].includes(name)) ?? null;
  }

  #draw() {
    const held = document.activeElement?.closest?.("[data-field]")?.dataset;
    const { draft } = this.view;
    this.pivot.checked = draft.pivot;
    const shown = Object.keys(ZONES).filter((zone) => zone !== "columns" || draft.pivot);
    this.zones.replaceChildren(...shown.map((zone) => this.#zone(zone)));
    this.#list();
    if (!held || this.panel.contains(document.activeElement)) return;
    const again = [...this.panel.querySelectorAll("[data-field] > .grip, [data-field] input")].find((each) => each.closest("[data-field]").dataset.field === held.field);
    again?.focus();
  }

  #zone(zone) {
    const names = this.view.draft[zone];
    const label = zone === "rows" && !this.view.draft.pivot ? "Rows" : ZONES[zone];
    const id = newId("zone");
    const chips = names.map((name, place) => this.#chip(name, zone, place, names.length));
    const empty = element("li", { class: "nothing" }, zone === "rows" ? "One row of all calls" : "Drop fields here");
    return element("section", {}, element("h2", { id }, label), element("ul", { class: "zone", "aria-labelledby": id, dataset: { zone } }, chips.length ? chips : empty));
  }

  #chip(name, zone, place, count) {
    const label = this.view.field(name)?.label ?? name;
    const told = `${label}, ${ZONES[zone].toLowerCase()}, ${place + 1} of ${count}`;
    return element("li", { class: "piece", dataset: { field: name, zone } },
      element("button", { type: "button", class: "grip", "aria-label": told, "aria-describedby": this.help }, label),
      element("button", { type: "button", class: "remove", "aria-label": `Remove ${label}`, onclick: () => this.#move(name, null) }, "×"));
  }

  /** All fields there are, with a mark at those in use. */
  #list() {
    const wanted = this.search.value.trim().toLowerCase();
    const { catalog } = this.view;
    const kinds = [["Dimensions", catalog.dimensions, "rows"], ["Measures", catalog.measures, "measures"]];
    const item = (field, zone) => {
      const box = element("input", { type: "checkbox", checked: this.#zoneOf(field.name) !== null, "aria-describedby": this.help, onchange: () => this.#move(field.name, box.checked ? zone : null) });
      return element("li", { dataset: { field: field.name }, title: field.help }, element("label", { class: "check" }, box, field.label));
    };
    this.free.replaceChildren(...kinds.map(([title, fields, zone]) => {
      const found = fields.filter((field) => !wanted || field.label.toLowerCase().includes(wanted) || field.name.includes(wanted));
      return element("section", { hidden: !found.length }, element("h2", {}, title), element("ul", {}, found.map((field) => item(field, zone))));
    }));
  }

  #fits(name, zone) {
    return (zone === "measures") === (this.view.field(name)?.kind === "measure");
  }

  /** Move a field into a zone, before the one at `place`; null takes it away. */
  #move(name, zone, place = Infinity) {
    const label = this.view.field(name)?.label ?? name;
    if (zone && !this.#fits(name, zone)) return announce(`${label} cannot be in ${ZONES[zone].toLowerCase()}`);
    const patch = {};
    for (const each of Object.keys(ZONES)) {
      const names = this.view.draft[each];
      const at = names.indexOf(name);
      if (at >= 0 && each === zone && at < place) place -= 1;
      patch[each] = names.filter((other) => other !== name);
    }
    if (zone) patch[zone].splice(place, 0, name);
    if (zone === "columns") patch.pivot = true;
    if (!patch.measures.length) return announce("One value has to stay");
    this.view.change(patch);
    announce(zone ? `${label} moved to ${ZONES[zone].toLowerCase()}, ${patch[zone].indexOf(name) + 1} of ${patch[zone].length}` : `${label} removed`);
  }

  #key(event) {
    const piece = event.target.closest("[data-field]");
    if (!piece || event.ctrlKey || event.metaKey) return;
    const { field, zone } = piece.dataset;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.altKey && step && zone) {
      const at = this.view.draft[zone].indexOf(field);
      if (at + step >= 0 && at + step < this.view.draft[zone].length) this.#move(field, zone, step > 0 ? at + 2 : at - 1);
    } else if (step && !event.altKey) this.#walk(event.target, step);
    else if (KEYS[event.key.toLowerCase()]) this.#move(field, KEYS[event.key.toLowerCase()]);
    else if ((event.key === "Delete" || event.key === "Backspace") && this.#zoneOf(field)) this.#move(field, null);
    else return;
    event.preventDefault();
  }

  #walk(from, step) {
    const all = [...this.panel.querySelectorAll(".grip, .free section:not([hidden]) input")];
    all[all.indexOf(from) + step]?.focus();
  }

  #press(event) {
    const piece = event.target.closest("[data-field]");
    if (!piece || event.button || event.target.closest(".remove")) return;
    const from = { x: event.clientX, y: event.clientY };
    const stop = new AbortController();
    const end = (dropped) => {
      stop.abort();
      if (this.#dragged) swallow("click"); // what follows a drag is no click on the box it began at
      if (dropped && this.#dragged?.zone) this.#move(this.#dragged.name, this.#dragged.zone, this.#dragged.place);
      else if (dropped && this.#dragged && piece.dataset.zone && !this.#dragged.inside) this.#move(piece.dataset.field, null);
      this.#dragged?.ghost.remove();
      this.#mark(null);
      this.#dragged = null;
    };
    const { signal } = stop;
    addEventListener("pointermove", (moved) => {
      if (!this.#dragged && Math.hypot(moved.clientX - from.x, moved.clientY - from.y) < FAR) return;
      moved.preventDefault();
      this.#drag(piece, moved);
    }, { signal, passive: false });
    addEventListener("pointerup", () => end(true), { signal });
    addEventListener("pointercancel", () => end(false), { signal });
    addEventListener("keydown", (pressed) => pressed.key === "Escape" && end(false), { signal });
  }

  #drag(piece, { clientX, clientY }) {
    const name = piece.dataset.field;
    if (!this.#dragged) {
      const ghost = element("div", { class: "ghost", "aria-hidden": "true" }, this.view.field(name)?.label ?? name);
      document.body.append(ghost);
      this.#dragged = { name, ghost };
    }
    this.#dragged.ghost.style.transform = `translate(${clientX + 8}px, ${clientY + 8}px)`;
    const under = document.elementFromPoint(clientX, clientY);
    const list = under?.closest(".zone");
    const zone = list && this.panel.contains(list) && this.#fits(name, list.dataset.zone) ? list.dataset.zone : null;
    const pieces = zone ? [...list.querySelectorAll(".piece")] : [];
    const next = pieces.findIndex((each) => clientY < each.getBoundingClientRect().top + each.offsetHeight / 2);
    Object.assign(this.#dragged, { zone, place: next < 0 ? pieces.length : next, inside: this.panel.contains(under) });
    this.#mark(zone && list, pieces[next]);
  }

  #mark(list, before) {
    for (const each of this.panel.querySelectorAll(".over, .before")) each.classList.remove("over", "before");
    list?.classList.add("over");
    before?.classList.add("before");
  }
}

/** Let an event that is about to come do nothing. */
function swallow(name) {
  const nothing = (event) => event.preventDefault();
  addEventListener(name, nothing, { capture: true });
  setTimeout(() => removeEventListener(name, nothing, { capture: true }));
}
