/** What the server says of the page goes in, its view comes out, and its first answer under way before there is a table to draw it. */

import { byId } from "./dom.js";
import { load } from "./levels.js";
import { View } from "./view.js";

/** THE view of the page. */
export const view = new View(JSON.parse(byId("page").textContent));

/** The first question: its `sheet` is a promise, `told` is called with its progress once somebody listens. */
export const first = { asking: new AbortController(), sheet: null, told: () => {} };
first.sheet = load(view, { signal: first.asking.signal, onProgress: (progress) => first.told(progress) });
first.sheet.catch(() => {}); // report.js says what went wrong
