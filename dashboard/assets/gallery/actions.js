/**
 * What is done with tasks: delete with an undo, tag, star, download as one file, generate again.
 * @module
 */
import { address } from "../core/paths.js";
import { ApiError, get, post, request, send } from "../core/api.js";
import { h } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { ask, confirm } from "../widgets/dialog.js";
import { commitAll, note, noteError, undoable } from "../widgets/notes.js";
import { currentSource, hiddenCount, hideTasks, unhideTasks } from "./source.js";

const AT_ONCE = 1000;
/** A browser sends 64 KiB for a page that is left: the identifiers of this number of tasks fit, with some room. */
const MOST_UNDOABLE = 1500;
export const STAR = "starred";

/**
 * Delete tasks: a question, then a while in which it can be undone. The call is sent when that is over.
 *
 * @param {string[]} ids
 * @param {{asked?: boolean, onHide?: () => void, onUndo?: () => void}} [options]
 */
export async function deleteTasks(ids, { asked = false, onHide, onUndo } = {}) {
  if (!ids.length) return;
  const agreed =
    asked ||
    (await confirm({
      title: t("delete.title", { n: ids.length }),
      text: t(ids.length > MOST_UNDOABLE ? "delete.textMany" : "delete.text"),
      action: t("delete.action", { n: ids.length }),
      danger: true,
    }));
  if (!agreed) return;
  if (hiddenCount() + ids.length > MOST_UNDOABLE) commitAll();
  hideTasks(ids);
  onHide?.();
  if (ids.length > MOST_UNDOABLE) {
    note(t("delete.done", { n: ids.length }));
    void erase(ids);
    return;
  }
  undoable(t("delete.done", { n: ids.length }), {
    undo: () => {
      unhideTasks(ids);
      onUndo?.();
    },
    commit: (leaving) => void erase(ids, leaving),
  });
}

/** Delete hidden tasks. Those that could not be deleted are shown again. */
async function erase(ids, leaving = false) {
  try {
    const { failed, results } = await bulk({ ids, action: "delete" }, leaving);
    const gone = results.filter(({ ok, status }) => ok || status === 404).map(({ task_id }) => task_id);
    currentSource()?.remove(gone);
    if (failed) note(results.find(({ ok }) => !ok)?.detail ?? t("error.title"), { bad: true });
  } catch (error) {
    noteError(error);
  }
  unhideTasks(ids);
}

/** Send an action for many tasks, in as many calls as it takes; a server without such calls gets one for each task. */
async function bulk(body, leaving = false) {
  const parts = [];
  for (let at = 0; at < body.ids.length; at += AT_ONCE) parts.push(body.ids.slice(at, at + AT_ONCE));
  async function call(ids) {
    try {
      return (await post("/tasks/bulk", { ...body, ids }, { keepalive: leaving })).results;
    } catch (error) {
      if (!(error instanceof ApiError) || ![404, 405].includes(error.status)) throw error;
      return Promise.all(ids.map((id) => one(id, body, leaving)));
    }
  }
  const results = [];
  // Nothing is sent for a page that is left but what it sends at once.
  if (leaving) for (const part of await Promise.all(parts.map(call))) results.push(...part);
  else for (const part of parts) results.push(...(await call(part)));
  return { results, failed: results.filter(({ ok }) => !ok).length };
}

async function one(id, { action }, leaving) {
  try {
    if (action === "delete") await request("DELETE", `/tasks/${id}`, { keepalive: leaving });
    else if (action === "front") await post(`/tasks/${id}/move-to-front`);
    else if (action === "cancel") await post(`/tasks/${id}/stop`);
    return { task_id: id, ok: true };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { task_id: id, ok: false, status: error.status, detail: error.message };
  }
}

/** Ask for a tag and give it to tasks. */
export async function tagTasks(ids) {
  const facets = await get("/tasks/facets").catch(() => null);
  const tag = await ask({
    title: t("tag.title", { n: ids.length }),
    label: t("filter.tag"),
    action: t("tag.action"),
    list: (facets?.tags ?? []).map(({ value }) => value),
  });
  if (!tag?.trim()) return;
  await changeTags(ids, { tags: [tag.trim()] });
}

/** Add and remove tags. */
export async function changeTags(ids, { tags = [], remove_tags = [] }) {
  try {
    const { failed, results } = await bulk({
      ids,
      action: "tag",
      ...(tags.length ? { tags } : {}),
      ...(remove_tags.length ? { remove_tags } : {}),
    });
    const source = currentSource();
    for (const id of ids) {
      const card = source?.at(source.indexOf(id));
      const left = (card?.tags ?? []).filter((tag) => !remove_tags.includes(tag));
      source?.patch(id, { tags: [...new Set([...left, ...tags])] });
    }
    if (failed) note(results.find(({ ok }) => !ok)?.detail ?? t("error.title"), { bad: true });
    return !failed;
  } catch (error) {
    noteError(error);
    return false;
  }
}

/** Download the images of tasks in one file: a form, as a page on plain http can't save a stream. An error is thrown. */
export async function downloadTasks(ids) {
  // The answer to the form takes the page's place if it is an error, so that the same request is tried first and given up once it
  // is answered.
  const trial = new AbortController();
  await send("POST", "/v1/archive", { json: { task_ids: ids }, signal: trial.signal });
  trial.abort();
  const form = h(
    "form",
    { method: "post", action: address("/v1/archive"), target: "_self", hidden: true },
    ids.map((id) => h("input", { type: "hidden", name: "task_ids", value: id })),
  );
  document.body.append(form);
  form.submit();
  form.remove();
  note(t("download.begun", { n: ids.length }));
}

/** Generate tasks again, with the same seeds. */
export async function repeatTasks(ids) {
  let done = 0;
  for (const id of ids) {
    try {
      await post(`/tasks/${id}/repeat`, { async_process: true });
      done += 1;
    } catch (error) {
      noteError(error);
      break;
    }
  }
  if (done) note(t("repeat.done", { n: done }));
}

/** Generate many tasks again, after a question that says how many. */
export async function repeatAll(ids) {
  const agreed = await confirm({
    title: t("repeat.title", { n: ids.length }),
    text: t("repeat.text"),
    action: t("repeat.action", { n: ids.length }),
  });
  if (agreed) await repeatTasks(ids);
}
