/**
 * What the server reports, for the pages: the connection's state, and events by kind.
 * @module
 */
import { parseJson } from "../core/seeds.js";
import { address } from "../core/paths.js";
import { session } from "../core/session.js";
import { createStore } from "../core/store.js";
import { Hub } from "./hub.js";

/**
 * @typedef {object} Connection
 * @property {"connecting" | "live" | "waiting" | "signed_out" | "no_scope"} state
 * @property {number} retryAt time of the next try in milliseconds since 1970, 0 if there is none.
 * @property {number} since time since which the state is no longer, or again, live.
 */

/** @type {import("../core/store.js").Store<Connection>} */
export const connection = createStore({ state: "connecting", retryAt: 0, since: Date.now() });

/** @type {Map<string, Set<(data: any) => void>>} */
const listeners = new Map();
/** @type {((message: any) => void) | null} */
let say = null;

/**
 * Call a listener for each event of a kind, as `finished`; `any` for all, `reload` after events were lost, `session` when another tab
 * has signed in or out.
 *
 * @param {string} kind
 * @param {(data: any) => void} listener
 * @returns {() => void} ends it.
 */
export function on(kind, listener) {
  if (!listeners.has(kind)) listeners.set(kind, new Set());
  listeners.get(kind)?.add(listener);
  return () => listeners.get(kind)?.delete(listener);
}

/** Try to connect now, not after the pause. */
export const retryNow = () => say?.({ type: "retry" });

/** Open the stream with the rights that the page has now, and let the other tabs know. */
export const sessionChanged = () => say?.({ type: "session", scopes: session.get().scopes });

/** Say that the page is there, whether it is seen, and what it may do. */
const seen = () => say?.({ type: "visible", visible: document.visibilityState === "visible", scopes: session.get().scopes });

/** Connect, once for the page. */
export function start() {
  if (say) return;
  const url = new URL(address("/v1/events"), location.href).href;
  say = shared(url) ?? own(url);
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("pagehide", () => say?.({ type: "bye" }));
  window.addEventListener("pageshow", (event) => event.persisted && seen());
  window.addEventListener("online", retryNow);
  setInterval(seen, 15_000);
  seen();
}

/** Connect by the SharedWorker, or return null where there is none. */
function shared(url) {
  if (typeof SharedWorker === "undefined") return null;
  try {
    const script = new URL("./worker.js", import.meta.url);
    script.searchParams.set("events", url);
    const worker = new SharedWorker(trusted(script.href), { type: "module", name: "fooocus" });
    worker.port.onmessage = ({ data }) => hear(data);
    worker.port.start();
    let fallback = null;
    // A browser that knows no module workers reports it here.
    worker.onerror = (event) => {
      event.preventDefault();
      fallback ??= own(url);
      seen();
    };
    return (message) => (fallback ? fallback(message) : worker.port.postMessage(message));
  } catch {
    return null;
  }
}

/** Hold the stream in the page itself, while it is seen. */
function own(url) {
  const hub = new Hub(url);
  const tab = { post: (message) => queueMicrotask(() => hear(message)), visible: true };
  hub.join(tab);
  return (message) => {
    if (message.type === "visible" && !message.visible) {
      hub.leave(tab);
      return;
    }
    if (message.type === "visible" && !hub.tabs.has(tab)) hub.join(tab);
    hub.hear(tab, message);
  };
}

/** Return a script's address in the form that the content security policy asks for. */
function trusted(url) {
  const types = /** @type {any} */ (window).trustedTypes;
  if (!types) return url;
  const policy = types.createPolicy("fooocus", {
    createScriptURL: (text) => {
      if (text !== url) throw new TypeError("The page starts one worker only.");
      return text;
    },
  });
  return policy.createScriptURL(url);
}

function hear(message) {
  if (message.type === "connection") {
    const { state, retryAt } = message;
    const was = connection.get();
    connection.set({ state, retryAt, since: (was.state === "live") === (state === "live") ? was.since : Date.now() });
  } else if (message.type === "reload") {
    emit("reload", message);
  } else if (message.type === "session") emit("session", message);
  else if (message.type === "event") {
    const data = { ...parseJson(message.data), kind: message.kind };
    emit(message.kind, data);
    emit("any", data);
  }
}

function emit(kind, data) {
  for (const listener of listeners.get(kind) ?? []) listener(data);
}
