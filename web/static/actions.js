/** A view goes in, the buttons beside the title come out: panels, Save view, Download, Refresh. */

import { byId, element } from "./dom.js";
import { downloads } from "./downloads.js";
import * as saving from "./saving.js";

const PANELS = [["columns", "Columns"], ["filters", "Filters"]];

/** Put the buttons on the page. */
export function mount(view) {
  const panels = PANELS.filter(([name]) => byId(`${name}-panel`).childElementCount).map(([name, label]) => {
    const count = element("span", { class: "count" });
    const button = element("button", { type: "button", class: "button", "aria-controls": `${name}-panel`, "aria-expanded": false }, label, count);
    button.addEventListener("click", () => view.look({ panel: view.shown.panel === name ? "" : name }));
    return { name, button, count };
  });
  const file = (ending) => ({
    path: `/reports/${view.asked.report}`,
    words: view.parameters(),
    body: view.question(),
    file: `${[...(view.account ? [view.account.id.replace(/[^\p{L}\p{N}._-]+/gu, "_")] : []), view.report.name, view.asked.from].join("-")}.${ending}`.replaceAll(":", ""),
  });
  const refresh = element("button", { type: "button", class: "button primary", id: "refresh", title: "Ask again (Ctrl+Enter)", onclick: () => view.ask() }, "Refresh");
  const revert = element("button", { type: "button", class: "button plain", hidden: true, onclick: () => view.revert() }, "Undo changes");
  const save = view.site.operator && element("button", { type: "button", class: "button", onclick: () => saving.open(view) }, "Save view…");
  byId("actions").append(revert, ...panels.map(({ button }) => button), ...(save ? [save] : []), downloads("Download", file), refresh);
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) view.ask();
  });

  const pending = () => {
    refresh.classList.toggle("pending", view.pending);
    refresh.textContent = view.account ? "Generate" : view.pending ? "Apply" : "Refresh";
    revert.hidden = !view.pending;
    const filters = panels.find(({ name }) => name === "filters");
    if (filters) filters.count.textContent = view.draft.where.length || "";
  };
  const look = () => {
    for (const { name, button } of panels) {
      const open = view.shown.panel === name;
      button.setAttribute("aria-expanded", String(open));
      byId(`${name}-panel`).hidden = !open;
    }
  };
  view.addEventListener("draft", pending);
  view.addEventListener("look", look);
  pending();
  look();
}
