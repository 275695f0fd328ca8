/**
 * What a task's page shows before its end: the preview while it runs, its place while it waits.
 * @module
 */
import { h, icon, setText, show } from "../core/dom.js";
import { left, number } from "../core/format.js";
import { t } from "../i18n/index.js";
import { can } from "../core/session.js";
import { post } from "../core/api.js";
import { tasks } from "../live/tasks.js";
import { button, progressBar } from "../widgets/parts.js";
import { noteError } from "../widgets/notes.js";
import { previewCanvas } from "../widgets/preview.js";

/**
 * Build the part.
 *
 * @param {any} record
 * @param {{add: (...ends: (() => void)[]) => void}} ends
 */
export function livePart(record, ends) {
  const id = record.task_id;
  const preview = previewCanvas(() => id, t("running.preview"));
  const words = h("strong.num");
  const bar = progressBar(t("running.progress"));
  const waiting = h("div.preview-wait", icon("clock"), h("span"));
  const skip = button({ label: t("action.skip"), icon: "skip", onClick: () => post(`/tasks/${id}/skip`).catch(noteError) });
  const stop = button({ label: t("action.stop"), icon: "stop", onClick: () => post(`/tasks/${id}/stop`).catch(noteError) });
  ends.add(
    preview.end,
    tasks.watch(({ running, waiting: list }) => {
      const card = running.find((one) => one.task_id === id);
      const place = list.find((one) => one.task_id === id);
      show(waiting, preview.element.dataset.drawn !== id);
      show(bar.element, Boolean(card));
      show(skip, Boolean(card) && (card.image_count ?? 1) > 1);
      if (card) {
        bar.set(card.progress ?? 0);
        setText(
          words,
          `${number(card.progress ?? 0)} %${card.eta_seconds ? ` · ${t("queue.eta", { t: left(card.eta_seconds) })}` : ""}`,
        );
        setText(waiting.lastChild, t(`phase.${card.phase ?? "loading"}`));
      } else {
        setText(
          words,
          place?.position === undefined || place.position === null
            ? t("status.pending")
            : t("task.place", { n: place.position + 1 }),
        );
        setText(waiting.lastChild, t("phase.queued"));
      }
    }),
  );
  return h(
    "div.task-live",
    h("div.preview", preview.element, waiting),
    h("div.task-live-words", words, bar.element, can("control") && h("div.buttons", skip, stop)),
  );
}
