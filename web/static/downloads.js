/** What can be downloaded goes in, a button with a menu of formats comes out. */

import { bytes } from "./api.js";
import { announce, anchored, element, newId } from "./dom.js";

const FORMATS = [["csv", "CSV", "for spreadsheets"], ["xlsx", "Excel", "a workbook"], ["parquet", "Parquet", "for data tools"], ["arrow", "Arrow", "a stream of record batches"], ["ndjson", "NDJSON", "an object a line"], ["json", "JSON", "the API's answer"], ["table", "Text", "aligned columns"]];
const ENDING = { table: "txt" };
/** Formats that people open, headed with labels rather than names. */
const LABELLED = ["csv", "xlsx"];
const LONGEST_ADDRESS = 16000;

/**
 * A button that opens the formats; `what(ending)` tells what they are of when one is chosen: {path, words, body, file}.
 * A link lets the browser write the file while it comes; only a question too long for an address is fetched whole.
 */
export function downloads(label, what) {
  const id = newId("formats");
  const items = FORMATS.map(([format, name, about]) => {
    const link = element("a", { href: "#", role: "menuitem" }, element("b", {}, name), element("small", {}, about));
    link.addEventListener("click", (event) => {
      const { path, words, body, file } = what(ENDING[format] ?? format);
      words.set("format", format);
      if (LABELLED.includes(format)) words.set("labels", "true");
      link.href = `/api/v1${path}?${words}`;
      link.download = file;
      menu.hidePopover();
      if (link.href.length <= LONGEST_ADDRESS) return;
      event.preventDefault();
      fetched(format, body, file, path);
    });
    return element("li", { role: "none" }, link);
  });
  const menu = element("div", { id, popover: "auto", class: "popover menu" }, element("ul", { role: "menu", "aria-label": label }, items));
  const button = element("button", { type: "button", class: "button", popovertarget: id, "aria-haspopup": "menu" }, label);
  anchored(menu, button);
  menu.addEventListener("toggle", (event) => event.newState === "open" && items[0].firstChild.focus());
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = items.findIndex((item) => item.contains(document.activeElement));
    items.at((at + step) % items.length).firstChild.focus();
  });
  return element("div", { class: "downloads" }, button, menu);
}

async function fetched(format, body, file, path) {
  const labels = LABELLED.includes(format) ? "&labels=true" : "";
  const made = URL.createObjectURL(await bytes(`${path === "/calls" ? path : "/query"}?format=${format}${labels}`, body));
  element("a", { href: made, download: file }).click();
  setTimeout(() => URL.revokeObjectURL(made), 60000);
  announce(`${file} is there.`);
}
