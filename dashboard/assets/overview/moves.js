/**
 * Moving tasks in the queue: what is shown at once is what the server is asked for.
 * @module
 */
import { post } from "../core/api.js";
import { t } from "../i18n/index.js";
import { loadTasks, rearrange, tasks } from "../live/tasks.js";
import { announce, noteError } from "../widgets/notes.js";

/** Move a task past its neighbour in the list. */
export function shift(id, by) {
  const { waiting } = tasks.get();
  const at = waiting.findIndex((card) => card.task_id === id);
  const to = at + by;
  if (at >= 0 && to >= 0 && to < waiting.length) void moveTo(id, to);
}

/** Move a task before all that wait, also those that the key may not see. */
export function toFront(id) {
  return change(id, 0, () => post(`/tasks/${id}/move-to-front`));
}

/** Move a task to an index of the list. */
export async function moveTo(id, index) {
  const { waiting, total, others } = tasks.get();
  const rest = waiting.filter((card) => card.task_id !== id);
  if (waiting[index]?.task_id === id) return;
  // A task whose files are being downloaded, or that no node has, is not in line yet: nothing can be moved before it.
  const next = rest.slice(index).find(isInLine);
  const last = rest.findLast(isInLine);
  const move = (one, before) => post(`/tasks/${one}/move`, { before });
  await change(id, index, async () => {
    if (next) await move(id, next.task_id);
    else if (!last || (total === waiting.length && !others.waiting)) await move(id, null);
    else {
      // Behind the last one that is listed, but before all that is not: both take its place.
      await move(id, last.task_id);
      await move(last.task_id, id);
    }
  });
}

const isInLine = (card) => card.reason !== "download" && card.reason !== "no_node";

/** Show a task at an index at once, and put it back if the server refuses. */
async function change(id, index, send) {
  const { waiting, others } = tasks.get();
  const moved = waiting.find((card) => card.task_id === id);
  if (!moved) return;
  const rest = waiting.filter((card) => card !== moved);
  const order = [...rest.slice(0, index), { ...moved, reason: isInLine(moved) ? "moved" : moved.reason }, ...rest.slice(index)];
  // Places among tasks that the key may not see are known to the server alone.
  let next = 0;
  const restore = rearrange(() =>
    order.map((card) => ({ ...card, position: isInLine(card) && !others.waiting ? next++ : null })),
  );
  try {
    await send();
    const place = tasks.get().waiting.findIndex((card) => card.task_id === id);
    if (place >= 0) announce(t("queue.movedTo", { n: place + 1 }));
    if (others.waiting) await loadTasks();
  } catch (error) {
    restore();
    noteError(error);
  }
}
