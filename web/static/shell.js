/** What every page has: menus that stand below their buttons. */

import { anchored } from "./dom.js";

for (const button of document.querySelectorAll("[popovertarget]")) {
  const popover = document.getElementById(button.getAttribute("popovertarget"));
  if (popover) anchored(popover, button);
}

// Where all places do not fit, the one that is here is in sight.
document.querySelector(".top nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
