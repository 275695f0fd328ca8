/**
 * The tasks that run and wait, kept true by events.
 * @module
 */
import { ApiError, get, taskLists } from "../core/api.js";
import { createStore, throttled } from "../core/store.js";
import { connection, on } from "./live.js";

/**
 * @typedef {Record<string, any>} Card a task in short, as `GET /tasks?view=card` gives it; a waiting one also has `position`, `reason`
 *   and `turn_of`.
 *
 * @typedef {object} Tasks
 * @property {"loading" | "ready" | "failed"} state
 * @property {boolean} paused
 * @property {Card[]} running
 * @property {Card[]} waiting in the order in which they will run.
 * @property {number} total of waiting tasks, also those beyond the list.
 * @property {{running: number, waiting: number, ahead: number}} others tasks that the key may not see.
 * @property {number} asOf time of the newest news.
 * @property {Error | null} error
 */

const NONE = { running: 0, waiting: 0, ahead: 0 };

/** @type {import("../core/store.js").Store<Tasks>} */
export const tasks = createStore({
  state: "loading",
  paused: false,
  running: [],
  waiting: [],
  total: 0,
  others: NONE,
  asOf: 0,
  error: null,
});

const ENDS = ["finished", "failed", "stopped", "interrupted"];
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** True on a server that reports each change of the queue itself. */
let reported = true;
let failures = 0;
let notBefore = 0;
let timer = 0;

/** Read the queue again. */
export async function loadTasks() {
  try {
    if (reported) {
      const { running, waiting, waiting_total: total, others, paused } = await get("/v1/queue");
      accept({ running, waiting, total, others: others ?? NONE, paused: Boolean(paused) });
    } else await loadLists();
    failures = 0;
    notBefore = 0;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (reported && error.status === 404) {
      reported = false;
      await loadTasks();
    } else {
      tasks.set({ state: tasks.get().asOf ? "ready" : "failed", error });
      postpone(error);
    }
  }
}

/** Read less often while the server refuses, as it does beyond a key's limit. */
function postpone({ status, retryAfter }) {
  if (status !== 429 && status < 500) return; // without a connection, the next one brings the list
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  failures += 1;
  notBefore = Date.now() + Math.max(pause, (retryAfter ?? 0) * 1000);
  reload();
}

/** Read the lists that every version of the server has: their order is the queue's, without its reasons. */
async function loadLists() {
  const { lists } = await taskLists({ page_size: 100 });
  const waiting = lists.pending.map((card) => ({ ...card, position: card.queue_position }));
  waiting.sort((a, b) => (a.position ?? 1e9) - (b.position ?? 1e9));
  accept({ running: lists.current, waiting, total: waiting.length });
}

function accept(patch) {
  // A step that was reported while the list was on its way is newer than the list, which knows no images at all.
  const known = new Map(tasks.get().running.map((card) => [card.task_id, card]));
  patch.running = patch.running.map((card) => {
    const old = known.get(card.task_id);
    if (!old) return card;
    const { images } = old;
    return { ...card, ...(images && { images }), ...(old.progress > card.progress && stageOf(old)) };
  });
  tasks.set({ ...patch, state: "ready", error: null, asOf: Date.now() });
}

const reload = throttled(() => {
  clearTimeout(timer);
  timer = window.setTimeout(() => void loadTasks(), Math.max(0, notBefore - Date.now()));
}, 500);

/** Change the list at once, before the server has answered. The returned function puts it back. */
export function rearrange(change) {
  const { waiting } = tasks.get();
  tasks.set({ waiting: change(waiting) });
  return () => tasks.set({ waiting });
}

/** Begin to follow the queue. */
export function followTasks() {
  on("reload", reload);
  connection.watch(({ state }) => {
    if (state === "live" && tasks.get().error) reload();
  }, false);
  on("queue", (news) => {
    reported = true;
    const known = new Map([...tasks.get().running, ...tasks.get().waiting].map((card) => [card.task_id, card]));
    const ids = [...news.running, ...news.waiting.map((one) => one.task_id)];
    if (!ids.every((id) => known.has(id))) {
      reload();
      return;
    }
    tasks.set({
      running: news.running.map((id) => known.get(id)),
      waiting: news.waiting.map((one) => ({ ...known.get(one.task_id), ...one })),
      total: news.waiting_total,
      others: news.others ?? NONE,
      paused: Boolean(news.paused),
      asOf: Date.now(),
    });
  });
  on("queued", () => !reported && reload());
  on("moved", () => !reported && reload());
  on("started", (event) => {
    const { running, waiting, total } = tasks.get();
    const card = waiting.find((one) => one.task_id === event.task_id);
    if (!card) {
      if (!running.some((one) => one.task_id === event.task_id)) reload();
      return;
    }
    tasks.set({
      running: [...running, { ...card, ...stageOf(event), task_status: "running", start_mills: event.started_at, progress: 0 }],
      waiting: waiting.filter((one) => one !== card),
      total: Math.max(0, total - 1),
      asOf: Date.now(),
    });
    if (!reported) reload();
  });
  on("progress", (event) => {
    const { running } = tasks.get();
    if (!running.some((one) => one.task_id === event.task_id)) reload();
    tasks.set({
      running: running.map((one) => (one.task_id === event.task_id ? { ...one, ...stageOf(event) } : one)),
      asOf: Date.now(),
    });
  });
  on("image", (event) => {
    const { running } = tasks.get();
    tasks.set({
      running: running.map((one) =>
        one.task_id === event.task_id ? { ...one, images: [...(one.images ?? []), event.image] } : one,
      ),
    });
  });
  for (const end of ENDS) {
    on(end, (event) => {
      const { running, waiting, total } = tasks.get();
      const waits = waiting.some((one) => one.task_id === event.task_id);
      tasks.set({
        running: running.filter((one) => one.task_id !== event.task_id),
        waiting: waiting.filter((one) => one.task_id !== event.task_id),
        total: waits ? Math.max(0, total - 1) : total,
        asOf: Date.now(),
      });
      if (!reported) reload();
    });
  }
}

function stageOf({ phase, step, steps, image_number, image_count, started_at, progress, eta_seconds, message, node }) {
  const stage = { phase, step, steps, image_number, image_count, started_at, progress, eta_seconds, message, node };
  return Object.fromEntries(Object.entries(stage).filter(([, value]) => value !== undefined));
}
