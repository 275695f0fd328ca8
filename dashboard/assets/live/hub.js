/**
 * The one event stream of a browser, and the ports of the tabs that listen to it. It runs in a SharedWorker, or in the page where
 * there is none.
 * @module
 */
import { readEvents } from "./sse.js";

const SILENCE_MS = 40_000;
const HIDDEN_MS = 30_000;
const LONGEST_PAUSE_MS = 30_000;
const EVERYONES = "queue,deleted,moved,model";
const SCOPES = { download: "admin", stats: "read-all" };

/**
 * @typedef {object} Tab
 * @property {(message: any) => void} post
 * @property {boolean} visible
 * @property {number} [leftAt] the hub's count of news when the tab left.
 */

/**
 * Return the further events to ask for, from all that the scopes allow to none: the scopes may have changed (403), an older server
 * knows none (422).
 *
 * @param {string[]} scopes
 */
function further(scopes) {
  const allowed = Object.keys(SCOPES).filter((kind) => scopes.includes(SCOPES[kind]));
  return [[EVERYONES, ...allowed].join(), EVERYONES, ""];
}

/** The hub. Tabs come and go; the stream is open while there is one. */
export class Hub {
  /** @param {string} url of `/v1/events`, without its parameters. */
  constructor(url) {
    this.url = url;
    /** @type {Set<Tab>} */
    this.tabs = new Set();
    this.connection = { state: "connecting", retryAt: 0, status: 0 };
    this.lastId = "";
    this.epoch = "";
    this.failures = 0;
    this.further = 0;
    /** @type {string[] | null} what the page may do; the stream waits for it. */
    this.scopes = null;
    this.previews = true;
    /** How often something arrived, or the stream was closed. */
    this.news = 0;
    /** The newest progress event, so that a new tab has a picture at once. */
    this.progress = null;
    this.abort = null;
    this.timer = 0;
    this.silence = 0;
    this.hiding = 0;
  }

  /** Add a tab, and open the stream for the first one, once it has said what it may do. */
  join(tab) {
    this.tabs.add(tab);
    // A tab that was frozen, or comes back from the browser's history, has missed it.
    if (tab.leftAt !== undefined && tab.leftAt !== this.news) tab.post({ type: "reload", reason: "back" });
    tab.post({ type: "connection", ...this.connection });
    if (this.progress) tab.post(this.progress);
    if (this.scopes && !this.abort && !this.timer) this.open();
    this.consider();
  }

  /** Remove a tab, and close the stream after the last one. */
  leave(tab) {
    if (!this.tabs.delete(tab)) return;
    tab.leftAt = this.news;
    if (!this.tabs.size) this.close();
  }

  /** Handle what a tab says: it was shown or hidden, wants a new try, or has signed in or out. */
  hear(tab, message) {
    if (message.type === "visible") {
      tab.visible = message.visible;
      this.consider();
      if (this.scopes) return;
      this.scopes = message.scopes;
      this.open();
    } else if (message.type === "retry") {
      if (this.connection.state !== "live") this.reopen();
    } else if (message.type === "session") {
      this.lastId = "";
      this.further = 0;
      this.scopes = message.scopes;
      this.progress = null;
      this.reopen();
      for (const other of this.tabs) if (other !== tab) other.post({ type: "session" });
    } else if (message.type === "bye") this.leave(tab);
  }

  /** Ask for previews while a tab is seen, and stop them once all have been hidden for a while. */
  consider() {
    const seen = [...this.tabs].some((tab) => tab.visible);
    if (seen || !this.tabs.size) {
      clearTimeout(this.hiding);
      this.hiding = 0;
    }
    if (seen && !this.previews) {
      this.previews = true;
      this.reopen();
    } else if (!seen && this.previews && this.tabs.size && !this.hiding) {
      this.hiding = setTimeout(() => {
        this.hiding = 0;
        this.previews = false;
        this.reopen();
      }, HIDDEN_MS);
    }
  }

  reopen() {
    this.close();
    if (this.tabs.size && this.scopes) this.open();
  }

  close() {
    this.news += 1;
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.timer = 0;
    this.abort?.abort();
    this.abort = null;
  }

  async open() {
    const abort = new AbortController();
    this.abort = abort;
    const kinds = further(this.scopes ?? []);
    const also = kinds[this.further];
    const previews = this.previews ? "previews=true&preview_format=webp&preview_size=512" : "previews=false";
    const query = also ? `${previews}&also=${also}` : previews;
    const headers = { Accept: "text/event-stream", ...(this.lastId ? { "Last-Event-ID": this.lastId } : {}) };
    let retryAfter = 0;
    let status = 0;
    try {
      const response = await fetch(`${this.url}?${query}`, {
        headers,
        credentials: "same-origin",
        cache: "no-store",
        signal: abort.signal,
      });
      status = response.status;
      if (response.ok && response.body) {
        this.failures = 0;
        this.say({ state: "live", retryAt: 0, status });
        this.listen(abort);
        await readEvents(
          response,
          (message) => this.receive(message),
          () => this.listen(abort),
        );
      } else {
        retryAfter = Number(response.headers.get("Retry-After")) || 0;
        await response.body?.cancel();
      }
    } catch {
      // The connection broke, or was cut here: the next try decides.
    }
    clearTimeout(this.silence);
    if (this.abort !== abort) return;
    this.abort = null;
    if ((status === 403 || status === 422) && this.further < kinds.length - 1) {
      this.further += 1;
      this.open();
    } else if (status === 401 || status === 403)
      this.say({ state: status === 401 ? "signed_out" : "no_scope", retryAt: 0, status });
    else if (this.tabs.size) this.pause(retryAfter, status);
  }

  /** Cut a stream that is silent for longer than the server's comments are apart: a laptop wakes with dead sockets. */
  listen(abort) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => abort.abort(), SILENCE_MS);
  }

  pause(retryAfter, status) {
    const longest = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** this.failures);
    const ms = Math.max(retryAfter * 1000, longest * (0.75 + Math.random() / 4));
    this.failures += 1;
    this.say({ state: "waiting", retryAt: Date.now() + ms, status });
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.open();
    }, ms);
  }

  receive({ kind, id, data }) {
    this.news += 1;
    const epoch = id.split("-", 1)[0];
    const restarted = Boolean(this.epoch && epoch && epoch !== this.epoch);
    if (epoch) this.epoch = epoch;
    if (id) this.lastId = id; // events of states have none
    if (restarted) this.broadcast({ type: "reload", reason: "restarted" });
    if (kind === "dropped") {
      this.broadcast({ type: "reload", reason: "dropped" });
      return;
    }
    const message = { type: "event", kind, data };
    if (kind === "progress") this.progress = message;
    else if (["finished", "failed", "stopped", "interrupted"].includes(kind)) this.progress = null;
    this.broadcast(message);
  }

  say(connection) {
    this.connection = connection;
    this.broadcast({ type: "connection", ...connection });
  }

  broadcast(message) {
    for (const tab of this.tabs) tab.post(message);
  }
}
