/**
 * What is done with tasks: delete with an undo, tag, star, download as one file, generate again.
 * @module
 */
import { address } from "../core/paths.js";
import { ApiError, get, post, request } from "../core/api.js";
import { h } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { ask, confirm } from "../widgets/dialog.js";
import { note, noteError, undoable } from "../widgets/notes.js";
import { currentSource, Source } from "./source.js";

const AT_ONCE = 1000;
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
      text: t("delete.text"),
      action: t("delete.action", { n: ids.length }),
      danger: true,
    }));
  if (!agreed) return;
  const source = currentSource() ?? new Source({});
  source.hide(ids);
  onHide?.();
  // The list that is shown may be another one by then.
  const unhide = () => new Set([source, currentSource()]).forEach((one) => one?.unhide(ids));
  undoable(t("delete.done", { n: ids.length }), {
    undo: () => {
      unhide();
      onUndo?.();
    },
    commit: (leaving) => {
      void bulk({ ids, action: "delete" }, leaving).then(
        ({ failed, results }) => {
          const gone = results.filter(({ ok, status }) => ok || status === 404).map(({ task_id }) => task_id);
          for (const one of new Set([source, currentSource()])) one?.remove(gone);
          unhide();
          if (failed) note(results.find(({ ok }) => !ok)?.detail ?? t("error.title"), { bad: true });
        },
        (error) => {
          unhide();
          noteError(error);
        },
      );
    },
  });
}

/** Send an action for many tasks, in as many calls as it takes; a server without such calls gets one for each task. */
async function bulk(body, leaving = false) {
  const results = [];
  for (let at = 0; at < body.ids.length; at += AT_ONCE) {
    const ids = body.ids.slice(at, at + AT_ONCE);
    try {
      results.push(...(await post("/tasks/bulk", { ...body, ids }, { keepalive: leaving })).results);
    } catch (error) {
      if (!(error instanceof ApiError) || ![404, 405].includes(error.status)) throw error;
      results.push(...(await Promise.all(ids.map((id) => one(id, body, leaving)))));
    }
  }
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

/** Download the images of tasks in one file: a form, as a page on plain http can't save a stream. */
export function downloadTasks(ids) {
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
