/** Words for elements go in, elements come out: the only place that makes them. Text is always text, never markup. */

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "tabIndex", "className", "textContent", "open", "indeterminate", "selected"]);

/**
 * Make an element.
 *
 *   element("button", { type: "button", class: "button", onclick: go }, "Refresh")
 *
 * Names that begin with `on` are listeners, `dataset` an object, a few names are properties; the rest are attributes.
 * What is null or false is left out, true is an empty attribute; aria attributes keep the words true and false.
 */
export function element(name, words = {}, ...children) {
  const made = document.createElement(name);
  for (const [word, value] of Object.entries(words)) {
    if (value == null) continue;
    if (word.startsWith("on")) made.addEventListener(word.slice(2), value);
    else if (word === "dataset") Object.assign(made.dataset, value);
    else if (PROPERTIES.has(word)) made[word] = value;
    else if (word.startsWith("aria-")) made.setAttribute(word, String(value));
    else if (value !== false) made.setAttribute(word, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

let drawing = null; // the name of SVG, which looks like an address and is none: the browser knows it
/** Make an element of a drawing (SVG); every word is an attribute. */
export function drawn(name, words = {}, ...children) {
  drawing ??= new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;
  const made = document.createElementNS(drawing, name);
  for (const [word, value] of Object.entries(words)) if (value != null) made.setAttribute(word, value);
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

/** The element of an id; it must be on the page. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Note when what has just been drawn is on the screen: benchmarks/browser.py asks. */
export const noted = () => requestAnimationFrame(() => setTimeout(() => performance.mark("drawn")));

let names = 0;
/** An id nobody else has, for labels and popovers. */
export const newId = (word) => `${word}-${++names}`;

/**
 * Make a native popover stand below its button, inside the window; call it once for each popover.
 * The button needs `popovertarget` with the popover's id, or is pressed by your own code.
 */
export function anchored(popover, button) {
  const place = () => {
    const at = button.getBoundingClientRect();
    const room = document.documentElement.clientWidth - popover.offsetWidth - 8;
    popover.style.left = `${Math.max(8, Math.min(at.left, room))}px`;
    const below = at.bottom + 4;
    const above = at.top - popover.offsetHeight - 4;
    const fits = below + popover.offsetHeight <= innerHeight - 8 || above < 8;
    popover.style.top = `${fits ? below : above}px`;
    popover.style.maxHeight = `${fits ? innerHeight - below - 8 : at.top - 12}px`;
  };
  popover.addEventListener("beforetoggle", (event) => {
    if (event.newState === "open") popover.style.maxHeight = "";
  });
  popover.addEventListener("toggle", (event) => {
    const open = event.newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (open) place();
    for (const name of ["resize", "scroll"]) {
      if (open) addEventListener(name, place, { passive: true });
      else removeEventListener(name, place);
    }
  });
  button.setAttribute("aria-expanded", "false");
}

/** Say something to those who cannot see it happen. */
export function announce(text) {
  byId("spoken").textContent = text;
}
