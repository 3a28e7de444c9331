/** The buttons of a batch go in; it is taken back or given again, and what that changed is told. */

import { work } from "./api.js";
import { confirm, renewed } from "./confirm.js";
import { byId, element } from "./dom.js";
import { many } from "./format.js";

const CHANGES = {
  rollback: {
    title: (batch) => `Take batch ${batch} back?`,
    says: ["Every report will be as if it had never been loaded: its calls go, and what other loads said of the same calls stands again.", "Nothing is deleted; it can be given again."],
    label: "Take it back",
    danger: true,
    done: "is taken back",
  },
  restore: {
    title: (batch) => `Give batch ${batch} again?`,
    says: ["Its calls count in every report again, and replace what other loads say of them where it is newer."],
    label: "Give it again",
    done: "is given again",
  },
};

/** What changed, in words: records that went, came back, fell back, stayed. */
function told({ went, came, fell_back: fell, stayed, after_close: closed }) {
  const parts = [[went, "went"], [came, "came back"], [fell, "fell back to another load"], [stayed, "stayed"]];
  const said = parts.filter(([count]) => count).map(([count, how]) => `${many(count, "record")} ${how}`);
  return `${said.join(", ") || "nothing changed"}${closed ? `; ${many(closed, "record")} of them in a closed month` : ""}`;
}

function mount(part) {
  for (const button of part.querySelectorAll("[data-change]")) {
    button.addEventListener("click", async () => {
      const { batch, origin } = part.dataset;
      const { title, says, label, danger, done } = CHANGES[button.dataset.change];
      const result = await confirm({
        title: title(batch),
        says: [origin, ...says],
        label,
        danger,
        act: (onProgress) => work(`/batches/${batch}/${button.dataset.change}`, {}, { onProgress }),
      });
      if (!result) return button.focus();
      const fresh = await renewed("batch");
      mount(fresh);
      byId("happened").replaceChildren(element("p", { class: "notice good" }, `Batch ${batch} ${done}: ${told(result)}.`));
      fresh.querySelector("[data-change]")?.focus();
    });
  }
}

mount(byId("batch"));
