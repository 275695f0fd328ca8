/**
 * The webhook of a task: every attempt, and a button that sends it again.
 * @module
 */
import { dateTime, duration } from "../core/format.js";
import { fill, h } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { can } from "../core/session.js";
import { get, post } from "../core/api.js";
import { button, stateLabel } from "../widgets/parts.js";
import { note, noteError } from "../widgets/notes.js";

/** Build the part; it stays empty for a task without a webhook. */
export function webhookPart(record, ends) {
  const place = h("section", { hidden: true });
  let live = true;
  ends.add(() => {
    live = false;
  });
  async function load() {
    let state;
    try {
      state = await get(`/tasks/${record.task_id}/webhooks`);
    } catch {
      return;
    }
    if (!live || state.webhook_status === "none") return;
    place.hidden = false;
    fill(
      place,
      h("h3", t("webhook.title")),
      h(
        "div.webhook-head",
        stateLabel(state.webhook_status),
        h("span.mono.small", state.webhook_url),
        can("control") && button({ label: t("webhook.resend"), small: true, icon: "again", onClick: resend }),
      ),
      state.next_attempt_mills > 0 && h("p.small.muted", t("webhook.next", { t: dateTime(state.next_attempt_mills) })),
      state.attempts.length > 0 &&
        h(
          "div.table",
          h(
            "table.small",
            h("thead", h("tr", h("th", t("stats.time")), h("th", t("webhook.answer")), h("th", t("webhook.duration")))),
            h(
              "tbody",
              [...state.attempts]
                .reverse()
                .map((one) =>
                  h(
                    "tr",
                    h("td", dateTime(one.at_mills)),
                    h("td", one.status ?? one.error ?? "–"),
                    h("td", duration(one.duration_mills / 1000)),
                  ),
                ),
            ),
          ),
        ),
    );
  }
  async function resend() {
    try {
      await post(`/tasks/${record.task_id}/webhooks/resend`);
      note(t("webhook.sent"));
      await load();
    } catch (error) {
      noteError(error);
    }
  }
  void load();
  return place;
}
