/** The button of a list of rejects goes in; they are read again, and what became of each batch's is told. */

import { work } from "./api.js";
import { confirm } from "./confirm.js";
import { byId, element, newId } from "./dom.js";
import { counted, many } from "./format.js";

/** One field of the form, with what it is for. */
function field(name, label, help) {
  const id = newId("retry");
  return element("div", { class: "field" }, element("label", { for: id }, label), element("input", { id, name, class: "input", autocomplete: "off", "aria-describedby": `${id}-help` }), element("p", { class: "help", id: `${id}-help` }, help));
}

function line({ batch, origin, loaded, stayed, receipt, problem }) {
  const link = element("a", { href: `/batches/${batch}` }, `Batch ${batch}`);
  if (problem) return element("li", { class: "notice bad" }, link, ` (${origin}): ${problem}`);
  const into = receipt ? [" as ", element("a", { href: `/batches/${receipt.batch}` }, `batch ${receipt.batch}`)] : [];
  return element("li", { class: `notice ${loaded ? "good" : ""}` }, link, ` (${origin}): ${many(loaded, "record")} loaded`, ...into, `, ${loaded || stayed ? counted(stayed) : "none"} stayed`);
}

const button = document.getElementById("retry");
button?.addEventListener("click", async () => {
  const { batch } = button.dataset;
  const result = await confirm({
    title: batch ? `Read the rejects of batch ${batch} again?` : "Read all rejects again?",
    says: ["What can be read now is loaded, as a new batch for each batch; the rest stays as it is."],
    fields: [field("dialect", "Dialect", "Another one than that of the batch; else leave it out."), field("timezone", "Time zone", "Of times that carry none; else that of the batch.")],
    label: "Read again",
    act: (onProgress, form) => work("/rejects/retry", { batch: batch ? Number(batch) : null, dialect: form.get("dialect").trim() || null, timezone: form.get("timezone").trim() || null }, { onProgress }),
  });
  if (!result) return button.focus();
  const lines = result.items.length ? result.items.map(line) : [element("li", { class: "notice" }, "There was nothing to read again.")];
  byId("happened").replaceChildren(element("ul", { class: "stack" }, lines), element("p", {}, element("a", { href: location.href }, "Show what is rejected now")));
  byId("happened").scrollIntoView({ block: "nearest" });
});
