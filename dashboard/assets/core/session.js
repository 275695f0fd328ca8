/**
 * The session of this page: the key's name, its scopes and limits. The key itself is sent once and kept nowhere.
 * @module
 */
import { ApiError, get, onSignedOut, request } from "./api.js";
import { createStore } from "./store.js";

/**
 * @typedef {object} Session
 * @property {"unknown" | "open" | "signed_in" | "signed_out" | "unreachable"} state
 * @property {null | "session" | "key" | "token" | "login"} by what the server knows this page by.
 * @property {string | null} source of the page's own tasks, as records have it.
 * @property {null | "key" | "login"} needs
 * @property {string} name of the key; empty without one.
 * @property {string[]} scopes
 * @property {Record<string, any>} limits
 * @property {boolean} webui true if the WebUI is served on this port.
 * @property {boolean} cluster true if the server shares its queue with others.
 */

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const ALL = ["generate", "read", "read-all", "control", "admin"];

/** @type {import("./store.js").Store<Session>} */
export const session = createStore({
  state: "unknown",
  needs: null,
  by: null,
  source: null,
  name: "",
  scopes: [],
  limits: {},
  webui: true,
  cluster: false,
});

onSignedOut(() => {
  if (session.get().state !== "signed_out") session.set({ state: "signed_out", needs: session.get().needs ?? "key" });
});

/** Return whether the page may do what a scope allows. */
export function can(scope) {
  const { scopes } = session.get();
  return scopes.includes(scope) || (scope === "read" && scopes.includes("read-all"));
}

/** @type {ApiError | null} why the newest question has no answer. */
let problem = null;
let failures = 0;
let notBefore = 0;
let timer = 0;

/**
 * Ask the server who this page is. A server without sessions, or without keys, is open to it. Without an answer the page keeps what
 * it knows, and asks again later.
 */
export async function loadSession() {
  clearTimeout(timer);
  try {
    const answer = await get("/v1/session", {}, { quiet: true });
    settle();
    accept(answer);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status !== 404 && error.status !== 401) postpone(error);
    else {
      settle();
      if (error.status === 404) accept({ needs: null, scopes: ALL, webui: true });
      else session.set({ state: "signed_out", needs: "key" });
    }
  }
  return session.get();
}

/** Ask again if the newest question has no answer: the server is there again. */
export function retrySession() {
  if (problem && Date.now() >= notBefore) void loadSession();
}

function settle() {
  problem = null;
  failures = 0;
}

function postpone(error) {
  const wait = (error.retryAfter ?? 0) * 1000;
  problem = error;
  notBefore = Date.now() + wait;
  clearTimeout(timer);
  timer = window.setTimeout(() => void loadSession(), Math.max(wait, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)));
  failures += 1;
  if (session.get().state === "unknown") session.set({ state: "unreachable" });
}

/**
 * Sign in. The answer sets a cookie that scripts can't read.
 *
 * @param {string} key
 */
export async function signIn(key) {
  await request("POST", "/v1/session", { json: { key }, quiet: true });
  await loadSession();
  if (problem) throw problem;
}

/** End the session, for all tabs. */
export async function signOut() {
  await request("DELETE", "/v1/session", { quiet: true });
  await loadSession();
}

function accept(answer) {
  const { needs = null, by = null, source = null, name = "", scopes = [], limits = {}, webui = true, cluster = false } = answer ?? {};
  session.set({
    state: needs ? "signed_out" : name ? "signed_in" : "open",
    needs,
    by,
    source,
    name: name ?? "",
    scopes: scopes ?? [],
    limits: limits ?? {},
    webui,
    cluster,
  });
}
