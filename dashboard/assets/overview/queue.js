/**
 * The queue in its order, with the reason of each place, and what changes it: buttons, keys and a handle to drag.
 * @module
 */
import { clock, left, shortened } from "../core/format.js";
import { h, icon, keyed, setText, show, uid } from "../core/dom.js";
import { hash } from "../core/router.js";
import { number, t } from "../i18n/index.js";
import { can, session } from "../core/session.js";
import { post } from "../core/api.js";
import { loadTasks, rearrange, tasks } from "../live/tasks.js";
import { button, empty, failure, skeleton } from "../widgets/parts.js";
import { confirm } from "../widgets/dialog.js";
import { note, noteError } from "../widgets/notes.js";
import { withMenu } from "../widgets/menu.js";
import { draggable } from "./drag.js";
import { moveTo, shift, toFront } from "./moves.js";

/** Build the panel. */
export function queuePanel(ends) {
  const count = h("span.count");
  const list = h("ol.queue", { "aria-label": t("queue.title") });
  const body = h("div.queue-body", list);
  const foot = h("p.queue-foot.muted.small");
  const pause = button({ label: t("queue.pause"), icon: "pause", kind: "quiet", small: true, onClick: togglePause });
  const cancelAll = button({ label: t("queue.cancelMine"), kind: "quiet", small: true, onClick: cancelMine });
  const banner = h("div.notice.warn.queue-paused", icon("pause"), h("div", t("queue.paused")));
  const element = h(
    "section.panel.queue-panel",
    h(
      "header",
      h("h2", t("queue.title"), " ", count),
      h("span.muted.small.wide", t("queue.order")),
      h("div.fill"),
      cancelAll,
      pause,
    ),
    banner,
    body,
    foot,
  );

  function draw(value) {
    const { state, waiting, total, others, paused, error } = value;
    setText(count, total || "");
    show(banner, paused);
    show(pause, can("admin") && (total > 0 || paused));
    pause.lastChild.textContent = paused ? t("queue.resume") : t("queue.pause");
    show(cancelAll, can("control") && mine(waiting).length > 1);
    keyed(list, waiting, (card) => card.task_id, row, update);
    show(list, waiting.length > 0);
    const blank = body.querySelector(".blank");
    blank?.remove();
    if (!waiting.length) {
      body.append(
        h(
          "div.blank",
          state === "loading"
            ? skeleton(3, 18)
            : state === "failed"
              ? failure(error, loadTasks)
              : empty("clock", t("queue.empty")),
        ),
      );
    }
    const words = [
      total > waiting.length && t("queue.more", { n: total - waiting.length }),
      others.waiting > 0 && t("queue.others", { n: others.waiting, ahead: others.ahead }),
    ].filter(Boolean);
    setText(foot, words.join(" · "));
    show(foot, words.length > 0);
  }
  ends.add(tasks.watch(draw));
  if (can("control")) ends.add(draggable(list, moveTo));
  return element;
}

/** The tasks of this page's own source; without keys that is all of the API's. */
function mine(cards) {
  const { source } = session.get();
  return source ? cards.filter((card) => card.source === source) : cards;
}

function row(card) {
  const place = h("span.place.num");
  const eta = h("span.eta.num");
  const why = h("span.why");
  const id = card.task_id;
  const prompt = h("span.prompt.clip", { id: uid("prompt") }, shortened(card.prompt) || t("task.noPrompt"));
  // In a list of all buttons, those of a row would have the names of those of the others.
  const attrs = { "aria-describedby": prompt.id };
  const tools = can("control")
    ? h(
        "div.queue-tools",
        button({
          label: t("queue.front"),
          icon: "top",
          kind: "quiet",
          small: true,
          compact: true,
          attrs,
          onClick: () => toFront(id),
        }),
        button({
          label: t("queue.earlier"),
          icon: "up",
          kind: "quiet",
          small: true,
          compact: true,
          attrs,
          onClick: () => shift(id, -1),
        }),
        button({
          label: t("queue.later"),
          icon: "down",
          kind: "quiet",
          small: true,
          compact: true,
          attrs,
          onClick: () => shift(id, 1),
        }),
        button({
          label: t("action.cancel"),
          icon: "close",
          kind: "quiet",
          small: true,
          compact: true,
          attrs,
          onClick: () => cancel(id),
        }),
      )
    : null;
  const more =
    tools &&
    withMenu(
      button({
        label: t("nav.more"),
        icon: "more",
        kind: "quiet",
        compact: true,
        attrs: { ...attrs, class: "button quiet square queue-more" },
      }),
      () => [
        { label: t("queue.front"), icon: "top", onClick: () => toFront(id) },
        { label: t("queue.earlier"), icon: "up", onClick: () => shift(id, -1) },
        { label: t("queue.later"), icon: "down", onClick: () => shift(id, 1) },
        { label: t("action.cancel"), icon: "close", danger: true, onClick: () => cancel(id) },
      ],
    );
  return h(
    "li.queue-row",
    { on: { keydown: (event) => rowKeys(event, id) }, data: { id } },
    tools ? h("span.grip", { "aria-hidden": "true", title: t("queue.drag") }, icon("grip")) : null,
    place,
    h(
      "a.queue-words",
      { href: hash(["task", id]) },
      prompt,
      h("span.queue-facts.muted.small", h("span", card.source), why),
    ),
    eta,
    tools,
    more,
  );
}

function update(element, card) {
  const position = card.position;
  setText(element.querySelector(".place"), position === null || position === undefined ? "–" : number(position + 1));
  const eta = card.eta_seconds;
  // `eta_seconds` is the time of its end: in the list that is the moment at which its pictures are there.
  setText(
    element.querySelector(".eta"),
    eta === null || eta === undefined ? "" : `${clock(Date.now() + eta * 1000).slice(0, 5)}`,
  );
  element.querySelector(".eta").title = eta ? t("queue.eta", { t: left(eta) }) : "";
  setText(element.querySelector(".why"), reason(card));
}

/** Return the reason of a place in words. The order is not simply first come, first served: without words it looks like a fault. */
function reason(card) {
  if (!card.reason) return "";
  return t(`why.${card.reason}`, { source: card.turn_of ?? card.source, n: card.priority ?? "" });
}

function rowKeys(event, id) {
  if (!event.altKey || !can("control")) return;
  const action = { ArrowUp: () => shift(id, -1), ArrowDown: () => shift(id, 1), Home: () => toFront(id) }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

async function cancel(id) {
  const restore = rearrange((waiting) => waiting.filter((card) => card.task_id !== id));
  try {
    await post(`/tasks/${id}/stop`);
  } catch (error) {
    restore();
    noteError(error);
  }
}

async function cancelMine() {
  const ids = mine(tasks.get().waiting).map((card) => card.task_id);
  const agreed = await confirm({
    title: t("queue.cancelTitle", { n: ids.length }),
    text: t("queue.cancelText"),
    action: t("queue.cancelAction", { n: ids.length }),
    danger: true,
  });
  if (!agreed) return;
  try {
    const { done } = await post("/tasks/bulk", { ids, action: "cancel" });
    note(t("queue.cancelled", { n: done }));
  } catch (error) {
    noteError(error);
  }
  void loadTasks();
}

async function togglePause() {
  const { paused } = tasks.get();
  try {
    const answer = await post(paused ? "/v1/engine/resume" : "/v1/engine/pause");
    tasks.set({ paused: answer.paused });
  } catch (error) {
    noteError(error);
  }
}
