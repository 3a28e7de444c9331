/** A view goes in, the buttons beside the title come out: chart, panels, Save view, Download, Refresh. */

import { byId, element } from "./dom.js";
import { downloads } from "./downloads.js";

const PANELS = [["columns", "Columns"], ["filters", "Filters"], ["options", "Options"]];
/** Words of a view that are set in the Options panel. */
const OPTIONS = ["calls", "base", "currency", "compare", "fill", "top", "as_of"];

/** Put the buttons on the page. */
export function mount(view) {
  const chart = element("button", { type: "button", class: "button", "aria-controls": "chart", onclick: () => view.look({ chart: view.shown.chart ? "" : "trend" }) }, "Chart");
  const panels = PANELS.map(([name, label]) => {
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
  const revert = element("button", { type: "button", class: "button plain undo", hidden: true, onclick: () => view.revert() }, "Undo changes");
  const save = view.site.operator && element("button", { type: "button", class: "button", onclick: async () => (await import("./saving.js")).open(view) }, "Save view…");
  byId("actions").append(revert, chart, ...panels.map(({ button }) => button), ...(save ? [save] : []), downloads("Download", file), refresh);
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const held = document.activeElement;
    if (held?.matches?.("input, textarea")) { // what is written there counts
      held.blur();
      held.focus();
    }
    view.ask();
  });

  const pending = () => {
    refresh.classList.toggle("pending", view.pending);
    refresh.textContent = view.account ? "Generate" : view.pending ? "Apply" : "Refresh";
    revert.hidden = !view.pending;
    const count = { filters: view.draft.where.length, options: OPTIONS.filter((word) => JSON.stringify(view.draft[word]) !== JSON.stringify(view.preset[word])).length };
    for (const panel of panels) panel.count.textContent = count[panel.name] || "";
  };
  const look = () => {
    chart.setAttribute("aria-expanded", String(Boolean(view.shown.chart)));
    byId("chart").hidden = !view.shown.chart;
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
