/** Requests to /api/v1 go in, answers come out; what fails is a `Refused` with the server's own words and its hint. */

const PROGRESS = "application/vnd.tollhouse.progress+ndjson";
const ROOT = "/api/v1";

/** Why there is no answer: `message` for people, `hint` what to do, `pointer` where, `code` and `status` for programs. */
export class Refused extends Error {
  constructor(said, status = 0) {
    super(said.message);
    Object.assign(this, { name: "Refused", code: said.code, pointer: said.pointer, hint: said.hint, status });
  }
}

const LOST = { code: "lost", message: "The server cannot be reached.", hint: "Is it running? Refresh tries again." };

async function asked(path, options, early) {
  let response;
  try {
    response = await (early ?? fetch(ROOT + path, options));
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new Refused(LOST);
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new Refused(body.error ?? { code: "http", message: `The server answered ${response.status}.` }, response.status);
}

const json = { "content-type": "application/json" };

/** GET; `words` become the query string. */
export async function get(path, words = {}, { signal } = {}) {
  const query = new URLSearchParams(words).toString();
  return (await asked(path + (query ? `?${query}` : ""), { signal })).json();
}

/** POST, PUT, PATCH or DELETE with a JSON body. */
export async function send(method, path, body, { signal } = {}) {
  return (await asked(path, { method, signal, headers: json, body: body === undefined ? undefined : JSON.stringify(body) })).json();
}

/** POST and return the bytes, as for a download. */
export async function bytes(path, body) {
  return (await asked(path, { method: "POST", headers: json, body: JSON.stringify(body) })).blob();
}

/** Ask a question; `options` as below. */
export const query = (question, options) => told("/query", question, options);

/** Ask for a page of calls. */
export const calls = (search, options) => told("/calls", search, options);

/** Have long work done; `onProgress` is told `{step, done, total}`, and an `AbortError` thrown when `signal` is aborted. */
export async function work(path, body = {}, { signal, onProgress } = {}) {
  try {
    const options = { method: "POST", signal, headers: { ...json, accept: PROGRESS }, body: JSON.stringify(body) };
    return await result(await asked(path, options), onProgress);
  } catch (failure) {
    if (signal?.aborted) throw new DOMException("cancelled", "AbortError");
    if (failure instanceof TypeError || failure instanceof SyntaxError) throw new Refused(LOST);
    throw failure;
  }
}

/** What the head of the page has asked (ahead.js), for the first who asks the same; whoever asks another ends it. */
function ahead(question) {
  const early = window.ahead;
  window.ahead = null;
  if (!early || alike(early.question, question)) return early;
  early.asking.abort();
  return null;
}

/** Whether two questions say the same, in whatever order. */
function alike(one, other) {
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  const names = Object.keys(one);
  return Array.isArray(one) === Array.isArray(other) && names.length === Object.keys(other).length && names.every((name) => alike(one[name], other[name]));
}

/**
 * POST what is asked. `onProgress` is told `{rows_read, rows_total, elapsed_ms}` several times a second.
 * When `signal` is aborted the engine is told to stop, and an `AbortError` is thrown.
 */
async function told(path, question, { signal, onProgress } = {}) {
  const early = ahead(question);
  const id = early?.id ?? crypto.randomUUID?.() ?? `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  // Before the answer begins the server may not know the question yet; it notices that nobody waits for it any more.
  let begun = false;
  const stop = () => {
    early?.asking.abort();
    if (begun) fetch(`${ROOT}/queries/${id}`, { method: "DELETE", keepalive: true }).catch(() => {});
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const response = await asked(path, {
      method: "POST",
      signal,
      headers: { ...json, accept: PROGRESS, "query-id": id },
      body: JSON.stringify(question),
    }, early?.response);
    begun = true;
    return await result(response, onProgress);
  } catch (failure) {
    if (signal?.aborted) throw new DOMException("cancelled", "AbortError");
    if (failure instanceof TypeError || failure instanceof SyntaxError) throw new Refused(LOST);
    throw failure;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** Lines of progress, then one with the result or the error. */
async function result(response, onProgress) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const pieces = []; // a long line comes in many of them; they are joined once
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Refused({ code: "lost", message: "The answer broke off.", hint: "Refresh asks again." });
    let rest = value;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      pieces.push(rest.slice(0, end));
      rest = rest.slice(end + 1);
      const line = JSON.parse(pieces.join(""));
      pieces.length = 0;
      if (line.progress) onProgress?.(line.progress);
      else if (line.error) throw new Refused(line.error);
      else return line.result;
    }
    pieces.push(rest);
  }
}
