/**
 * The module of a page, loaded when it is first opened.
 * @module
 */

const ANSWER_MS = 8000;

/**
 * Why a module did not come: nothing answers, the server has another version of the page, or it answers again. A browser may keep
 * an import that failed, so that only a reload of the page brings the module then.
 *
 * @typedef {"offline" | "updated" | "answers"} Reason
 */

/**
 * Load a page's module.
 *
 * @template T
 * @param {() => Promise<T>} load
 * @returns {Promise<{page: T} | {reason: Reason}>}
 */
export async function loadPage(load) {
  try {
    return { page: await load() };
  } catch {
    return { reason: await reasonNow() };
  }
}

/** Ask for an asset of this version. */
async function reasonNow() {
  try {
    const { ok, status } = await fetch(import.meta.url, {
      method: "HEAD",
      cache: "no-store",
      signal: AbortSignal.timeout?.(ANSWER_MS),
    });
    if (ok) return "answers";
    return status === 404 || status === 410 ? "updated" : "offline";
  } catch {
    return "offline";
  }
}
