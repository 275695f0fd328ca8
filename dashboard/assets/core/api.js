/**
 * Requests to the API. Errors are problem documents (RFC 9457) and become `ApiError`.
 * @module
 */
import { address } from "./paths.js";
import { parseJson } from "./seeds.js";

/**
 * @typedef {object} FieldProblem
 * @property {string} field path of the field, as in `loras[0].weight`.
 * @property {string} code
 * @property {string} message
 * @property {any[]} [allowed]
 */

/** An answer that is no success, or none at all (status 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {Record<string, any>} problem
   * @param {number | null} retryAfter seconds, if the server names them.
   */
  constructor(status, problem, retryAfter = null) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code || "";
    this.title = problem.title || "";
    /** @type {FieldProblem[]} */
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /** True if nothing answered: the server is down, or the network is. */
  get isOffline() {
    return this.status === 0;
  }

  /** True if this version of the server has no such path. */
  get isMissing() {
    return this.status === 404 && (this.code === "path_not_found" || this.code === "not_found" || this.code === "");
  }
}

/** @type {Set<() => void>} */
const signedOut = new Set();

/** Call a listener whenever an answer says that the page is not, or no longer, signed in. */
export function onSignedOut(listener) {
  signedOut.add(listener);
}

/**
 * @typedef {object} Options
 * @property {Record<string, any>} [query]
 * @property {any} [json] sent as JSON.
 * @property {BodyInit} [body] sent as it is.
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 * @property {boolean} [keepalive] lets the request outlive the page.
 * @property {boolean} [quiet] a 401 does not sign the page out.
 */

/**
 * Send a request and return the response, a success.
 *
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Response>}
 */
export async function send(method, path, options = {}) {
  const { query, json, signal, keepalive } = options;
  const headers = { Accept: "application/json", ...options.headers };
  let body = options.body;
  if (json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(json);
  }
  let response;
  try {
    response = await fetch(address(path, query), {
      method,
      headers,
      body,
      signal,
      keepalive,
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "offline", detail: "" });
  }
  if (response.ok) return response;
  const problem = await response
    .text()
    .then(parseJson)
    .catch(() => ({}));
  if (response.status === 401 && !options.quiet) for (const listener of signedOut) listener();
  throw new ApiError(response.status, problem ?? {}, retryAfter(response));
}

/**
 * Send a request and return the JSON of the answer, null for an empty one.
 *
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function request(method, path, options) {
  const text = await (await send(method, path, options)).text();
  return text ? parseJson(text) : null;
}

/** Return the JSON of a GET. */
export const get = (path, query, options = {}) => request("GET", path, { ...options, query });

/** Send JSON by POST and return that of the answer. */
export const post = (path, json, options = {}) => request("POST", path, { ...options, json });

/**
 * Return a page of a list together with the numbers in its headers.
 *
 * @param {Record<string, any>} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<{lists: any, total: number, capped: boolean}>}
 */
export async function taskLists(query, signal) {
  const response = await send("GET", "/tasks", { query: { view: "card", previews: "false", ...query }, signal });
  return {
    lists: parseJson(await response.text()),
    total: Number(response.headers.get("X-Total-History") ?? response.headers.get("X-Total-Count") ?? 0),
    capped: response.headers.get("X-Total-Capped") === "true",
  };
}

/** Return a key that no other request has, so that a repeated one is not generated twice. */
export function idempotencyKey() {
  // Not randomUUID: pages on plain http in a network have none.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function retryAfter(response) {
  const text = response.headers.get("Retry-After");
  if (!text) return null;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return seconds;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}
