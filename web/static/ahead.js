/* The first question of a page, as its server wrote it, is asked before its modules are there: api.js takes
   the answer. The server has begun it when it sent the page, and forgets that after a while (web/ahead.py). */
(() => {
  const said = document.getElementById("first");
  if (!said || "ahead" in window) return; // they were quicker
  const id = (performance.now() < 3000 && said.dataset.query) || (crypto.randomUUID?.() ?? `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`);
  const asking = new AbortController();
  const headers = { "content-type": "application/json", accept: "application/vnd.tollhouse.progress+ndjson", "query-id": id };
  const response = fetch("/api/v1/query", { method: "POST", signal: asking.signal, headers, body: said.textContent });
  response.catch(() => {}); // whoever takes it says what went wrong
  window.ahead = { question: JSON.parse(said.textContent), id, asking, response };
})();
