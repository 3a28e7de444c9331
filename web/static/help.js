/** What somebody types goes in, the entries that speak of it stay. */

import { byId } from "./dom.js";

const box = byId("search");
const entries = [...document.querySelectorAll(".entry")].map((element) => ({ element, text: element.textContent.toLowerCase() }));
const sections = [...document.querySelectorAll(".topics > section")];

/** Hide what does not have every word. */
function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const { element, text } of entries) {
    element.hidden = !words.every((word) => text.includes(word));
    if (!element.hidden) found++;
  }
  for (const section of sections) section.hidden = !section.querySelector(".entry:not([hidden])");
  const text = found ? `${found === 1 ? "1 entry" : `${found} entries`} with “${box.value.trim()}”` : `Nothing here speaks of “${box.value.trim()}”.`;
  byId("found").textContent = words.length ? text : "";
}

box.hidden = false;
box.addEventListener("input", search);
box.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  box.value = "";
  search();
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  event.preventDefault();
  box.focus();
});
search();
