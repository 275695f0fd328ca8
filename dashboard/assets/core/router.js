/**
 * Pages by the address's hash: `#/gallery?q=cat`. The server knows one path, so that a proxy's prefix and `--share` work.
 * @module
 */

/**
 * @typedef {object} Route
 * @property {string} name the first part, as `gallery`; empty for the overview.
 * @property {string[]} rest the parts after it.
 * @property {URLSearchParams} query
 */

/** @type {Set<(route: Route) => void>} */
const listeners = new Set();

/**
 * Read a hash.
 *
 * @returns {Route}
 */
export function route(hash = location.hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [name = "", ...rest] = path.split("/").map(decoded);
  return { name, rest: rest.filter(Boolean), query: new URLSearchParams(search) };
}

/** Write a hash, of parts and of parameters; empty ones are left out. */
export function hash(parts, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, String(value));
  const text = search.toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

/** Go to a page; `replace` leaves no step behind for the Back button. */
export function go(target, { replace = false } = {}) {
  if (location.hash === target) return;
  if (!replace) location.hash = target;
  else {
    history.replaceState(null, "", target);
    announce();
  }
}

/** Change the parameters in the hash without a step for the Back button and without a new page. */
export function rewrite(target) {
  if (location.hash !== target) history.replaceState(null, "", target);
}

/** Call a listener at each new route, and at once. */
export function onRoute(listener) {
  listeners.add(listener);
  listener(route());
}

function announce() {
  for (const listener of listeners) listener(route());
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

window.addEventListener("hashchange", announce);
