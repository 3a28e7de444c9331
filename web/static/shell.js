/** What every page has: menus that stand below their buttons. */

import { anchored } from "./dom.js";

for (const button of document.querySelectorAll("[popovertarget]")) {
  const popover = document.getElementById(button.getAttribute("popovertarget"));
  if (popover) anchored(popover, button);
}
