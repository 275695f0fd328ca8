/**
 * The found tasks, read a page at a time and frozen at the moment of the search, so that places don't move while tasks end.
 * @module
 */
import { get, taskLists } from "../core/api.js";
import { session } from "../core/session.js";
import { on } from "../live/live.js";
import { ENDS, findsNothing, queryOf } from "./search.js";

const SIZE = 100;
const KEPT = 40;
const AGAIN_MS = 5000;
const ATTEMPTS = 3;
const NONE = { lists: { history: [] }, total: 0, capped: false };

/**
 * @typedef {import("../live/tasks.js").Card} Card
 * @typedef {Record<string, any>} Filters `q`, `status`, `source`, `model`, `tag`, `from` and `to`, as in the page's hash.
 */

/** @type {Set<string>} tasks whose deletion can still be undone: no search shows them. */
const hiddenIds = new Set();

/** Tasks that have ended since the page was loaded, and losses of events: a search that notes both knows what it lacks. */
const news = { ended: 0, lost: 0 };
for (const end of ENDS) {
  on(end, () => {
    news.ended += 1;
  });
}
on("reload", () => {
  news.lost += 1;
});

/** A search and what of its result was read. Its indexes count what is shown: hidden tasks have none. */
export class Source {
  /** @param {Filters} filters */
  constructor(filters) {
    this.filters = filters;
    this.opened = Date.now();
    this.known = { ...news };
    this.total = 0;
    this.capped = false;
    /** @type {(Card | undefined)[]} by the server's offset. */
    this.cards = [];
    /** @type {number[]} offsets of hidden tasks, in order. */
    this.hidden = [];
    /** @type {Map<number, {abort: AbortController, done: Promise<void>, kept: boolean}>} */
    this.loading = new Map();
    /** @type {Map<number, number>} pages that were read, with the time of their last use. */
    this.pages = new Map();
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    /** @type {any} */
    this.error = null;
    this.failedAt = 0;
    this.ready = false;
  }

  /** The filters as parameters of the API. */
  get query() {
    return queryOf(this.filters, this.opened);
  }

  /** The number of tasks that have ended since the search. */
  get missed() {
    return news.ended - this.known.ended;
  }

  /** True if tasks have ended since the search, or may have. */
  get isOld() {
    return this.missed > 0 || news.lost > this.known.lost;
  }

  get size() {
    return Math.max(0, this.total - this.hidden.length);
  }

  /** Return the offset of an index. */
  offset(index) {
    let at = index;
    for (const hidden of this.hidden) if (hidden <= at) at += 1;
    return at;
  }

  /** Return the card of an index, if it was read. */
  at(index) {
    const offset = this.offset(index);
    const page = Math.floor(offset / SIZE);
    if (this.pages.has(page)) this.pages.set(page, performance.now());
    return this.cards[offset];
  }

  /** Return the index of a task, -1 if it was not read or is hidden. */
  indexOf(id) {
    const offset = this.cards.findIndex((card) => card?.task_id === id);
    if (offset < 0 || this.hidden.includes(offset)) return -1;
    return offset - this.hidden.filter((hidden) => hidden < offset).length;
  }

  /** Read what a range needs, and give up what is out of it, unless something else waits for it. */
  want(from, to) {
    const [first, last] = [Math.floor(this.offset(from) / SIZE), Math.floor(this.offset(Math.max(from, to - 1)) / SIZE)];
    for (const [page, { abort, kept }] of this.loading) if (!kept && (page < first || page > last)) abort.abort();
    if (Date.now() - this.failedAt < AGAIN_MS) return;
    for (let page = first; page <= last; page += 1) {
      if (page * SIZE < this.total || page === 0) void this.load(page).catch(() => {});
    }
  }

  /** True if the first day is later than the last one: the server refuses to look for that. */
  get isEmpty() {
    return findsNothing(this.filters, this.opened);
  }

  /** Read a page; one that is on its way is waited for. One that is kept is read while it is out of view, too. */
  load(page, kept = false) {
    if (this.pages.has(page)) {
      this.pages.set(page, performance.now());
      return Promise.resolve();
    }
    const known = this.loading.get(page);
    if (known) {
      known.kept ||= kept;
      return known.done;
    }
    const abort = new AbortController();
    const done = this.read(page, abort);
    this.loading.set(page, { abort, done, kept });
    return done;
  }

  async read(page, abort) {
    try {
      const query = { query: "history", page, page_size: SIZE, ...this.query };
      const { lists, total, capped } = await (this.isEmpty ? NONE : taskLists(query, abort.signal));
      lists.history.forEach((card, index) => {
        this.cards[page * SIZE + index] = card;
      });
      this.hideSome();
      this.total = Math.max(total, page * SIZE + lists.history.length);
      this.capped = capped;
      this.ready = true;
      this.error = null;
      this.pages.set(page, performance.now());
      this.prune();
    } catch (error) {
      if (error instanceof DOMException) return;
      this.error = error;
      this.failedAt = Date.now();
      throw error;
    } finally {
      this.loading.delete(page);
      this.changed();
    }
  }

  /** Return the cards of a range, read if need be: fewer than asked for if tasks were deleted or searched for elsewhere. */
  async range(from, to) {
    for (let page = Math.floor(this.offset(from) / SIZE); page <= Math.floor(this.offset(to) / SIZE); page += 1) {
      // One that was out of view is given up, and has to be asked for again.
      for (let turn = 0; turn < ATTEMPTS && (turn === 0 || !this.pages.has(page)); turn += 1) await this.load(page, true);
    }
    const found = [];
    for (let index = from; index <= to && index < this.size; index += 1) {
      const card = this.at(index);
      if (card) found.push(card);
    }
    return found;
  }

  /** Read nothing any more: another search takes its place. */
  stop() {
    for (const { abort } of this.loading.values()) abort.abort();
  }

  /** Forget the pages that were not used for the longest time. Those with hidden tasks stay: these may be shown again. */
  prune() {
    const kept = new Set(this.hidden.map((offset) => Math.floor(offset / SIZE)));
    const byUse = [...this.pages].filter(([page]) => !kept.has(page)).sort(([, one], [, other]) => one - other);
    for (const [page] of byUse.slice(0, Math.max(0, byUse.length - KEPT))) {
      this.pages.delete(page);
      for (let offset = page * SIZE; offset < (page + 1) * SIZE; offset += 1) delete this.cards[offset];
    }
  }

  /** Find the tasks that are not to be shown. */
  hideSome() {
    this.hidden = [];
    if (hiddenIds.size)
      this.cards.forEach((card, offset) => {
        if (card && hiddenIds.has(card.task_id)) this.hidden.push(offset);
      });
  }

  /** Take deleted tasks out: the server's offsets have moved, too. */
  remove(ids) {
    let removed = 0;
    for (const id of ids) {
      const offset = this.cards.findIndex((card) => card?.task_id === id);
      if (offset < 0) continue;
      this.cards.splice(offset, 1);
      this.hidden = this.hidden.filter((hidden) => hidden !== offset).map((hidden) => (hidden > offset ? hidden - 1 : hidden));
      removed += 1;
    }
    if (!removed) return;
    this.total -= removed;
    // The last place of each page that was read is now filled by the next page's first, if that was read.
    for (const page of [...this.pages.keys()]) {
      const end = Math.min((page + 1) * SIZE, this.total);
      for (let offset = page * SIZE; offset < end; offset += 1) {
        if (!this.cards[offset]) {
          this.pages.delete(page);
          break;
        }
      }
    }
    this.changed();
  }

  /** Change a card, as its tags. */
  patch(id, change) {
    const offset = this.cards.findIndex((card) => card?.task_id === id);
    if (offset < 0) return;
    this.cards[offset] = { .../** @type {Card} */ (this.cards[offset]), ...change };
    this.changed();
  }

  watch(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed() {
    for (const listener of [...this.listeners]) listener();
  }

  /** Return the number of tasks for each day, the newest first, or null on a server that does not count them. */
  async days() {
    if (this.isEmpty) return null;
    try {
      return await get("/tasks/days", { ...this.query, utc_offset: -new Date().getTimezoneOffset() });
    } catch {
      return null;
    }
  }
}

/** @type {Source | null} the list that the Gallery shows, along which the big view walks. */
let shown = null;

export const currentSource = () => shown;

/** Make a list the one that is shown. */
export function showSource(source) {
  shown = source;
}

on("deleted", ({ task_ids: ids }) => shown?.remove(ids));

const readerOf = ({ state, source }) => `${state} ${source}`;
let reader = readerOf(session.get());
// Another key may not see what this one saw.
session.watch((now) => {
  if (readerOf(now) === reader) return;
  reader = readerOf(now);
  shown = null;
}, false);

/** Return the number of hidden tasks. */
export const hiddenCount = () => hiddenIds.size;

/** Hide tasks whose deletion can still be undone, in each search until they are shown again. */
export function hideTasks(ids) {
  for (const id of ids) hiddenIds.add(id);
  shown?.hideSome();
  shown?.changed();
}

/** Show hidden tasks again. */
export function unhideTasks(ids) {
  for (const id of ids) hiddenIds.delete(id);
  shown?.hideSome();
  shown?.changed();
}
