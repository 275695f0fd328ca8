/**
 * The running task: its newest preview, its step, and the time it has left.
 * @module
 */
import { clock, duration, number, shortened } from "../core/format.js";
import { h, keyed, setText, show } from "../core/dom.js";
import { hash } from "../core/router.js";
import { t } from "../i18n/index.js";
import { can } from "../core/session.js";
import { post } from "../core/api.js";
import { on } from "../live/live.js";
import { tasks } from "../live/tasks.js";
import { thumbnail } from "../core/paths.js";
import { pageKeys } from "../shell/keys.js";
import { runningTiles } from "./running-tile.js";
import { button, empty, linkButton, progressBar, skeleton } from "../widgets/parts.js";
import { note, noteError } from "../widgets/notes.js";
import { previewCanvas } from "../widgets/preview.js";

const TWICE_MS = 2000;
const FINAL_MS = 3000;

/** Build the panel. */
export function runningPanel(ends) {
  const title = h("h2", t("running.title"));
  const body = h("div.body");
  const element = h("section.panel.running", { "aria-label": t("running.title") }, body);
  const others = runningTiles();
  const more = h("div.running-more", { hidden: true }, h("h3.muted.small", t("running.more")), others.element);
  /** @type {ReturnType<typeof runningTask> | null} */
  let shown = null;
  let last = null;

  function draw(value) {
    // One stays large until its end, also when others begin next to it.
    const card = value.running.find((one) => one.task_id === shown?.id) ?? value.running[0];
    const rest = value.running.filter((one) => one !== card);
    others.update(rest);
    show(more, rest.length > 0);
    if (card) {
      if (shown?.id !== card.task_id) {
        shown?.end();
        shown = runningTask(card);
        body.replaceChildren(shown.element);
      }
      shown.update(card, value);
      return;
    }
    shown?.end();
    shown = null;
    if (value.state === "loading") body.replaceChildren(skeleton(4));
    else if (value.others.running) body.replaceChildren(empty("lock", t("running.other")));
    else body.replaceChildren(idle(last));
  }
  ends.add(
    tasks.watch(draw),
    on("finished", (event) => {
      last = { id: event.task_id, image: event.images?.[0] };
      // The preview stays until the picture that takes its place has been loaded.
      const held = shown?.id === event.task_id ? shown.canvas : null;
      draw(tasks.get());
      const picture = body.querySelector("img");
      if (held && picture) {
        picture.before(held);
        show(picture, false);
        const swap = () => {
          held.remove();
          show(picture, true);
        };
        picture.decode().then(swap, swap);
        setTimeout(swap, FINAL_MS);
      }
    }),
    () => shown?.end(),
    others.end,
  );
  element.append(more);
  element.prepend(h("h2.sr", title.textContent));
  return element;
}

function idle(last) {
  const words = h(
    "div.idle-words",
    h("strong", t("running.idle")),
    h("p.muted", t("running.idleText")),
    can("generate") &&
      h("p.without-panel", linkButton({ label: t("nav.generate"), icon: "generate", href: "#/generate", kind: "primary" })),
  );
  if (!last?.image) return h("div.running-idle", words);
  return h(
    "div.running-grid",
    h(
      "a.preview",
      { href: hash(["task", last.id]), "aria-label": t("running.last") },
      h("img", { src: thumbnail(last.image.url, 400), alt: t("running.last") }),
    ),
    words,
  );
}

function runningTask(card) {
  const id = card.task_id;
  const preview = previewCanvas(() => id, t("running.preview"));
  const waiting = h("div.preview-wait", t("phase.loading"));
  const percent = h("span.percent.num");
  const origin = h("div.muted.small");
  const bar = progressBar(t("running.progress"));
  const facts = h("div.facts.num");
  const done = h("div.strip.small");
  const stop = button({ label: t("action.stop"), icon: "stop", keys: "X X", onClick: stopNow });
  const skip = button({ label: t("action.skip"), icon: "skip", keys: "S", onClick: skipNow });
  let pressed = 0;

  function stopNow() {
    if (stop.disabled) return null;
    stop.disabled = true;
    return post(`/tasks/${id}/stop`).then(
      () => note(t("running.stopping")),
      (error) => {
        stop.disabled = false;
        noteError(error);
      },
    );
  }
  function skipNow() {
    return post(`/tasks/${id}/skip`).then(() => note(t("running.skipping")), noteError);
  }
  const removeKeys = can("control")
    ? pageKeys({
        s: () => void skipNow(),
        x: () => {
          const twice = Date.now() - pressed < TWICE_MS;
          pressed = twice ? 0 : Date.now();
          if (twice) void stopNow();
          else if (!stop.disabled) note(t("running.again"), { ms: TWICE_MS });
        },
      })
    : () => {};

  const element = h(
    "div.running-grid",
    h("a.preview", { href: hash(["task", id]) }, preview.element, waiting),
    h(
      "div.running-words",
      h("div.running-title", h("a.prompt", { href: hash(["task", id]) }, shortened(card.prompt, 200) || t("task.noPrompt"))),
      origin,
      h("div.running-progress", percent, bar.element),
      facts,
      done,
      can("control") && h("div.buttons", skip, stop),
    ),
  );

  return {
    id,
    element,
    canvas: preview.element,
    update(now) {
      setText(origin, [t("task.from", { source: now.source }), now.node && t("task.onNode", now)].filter(Boolean).join(" · "));
      setText(waiting, t(`phase.${now.phase ?? "loading"}`));
      const share = now.progress ?? 0;
      setText(percent, `${number(share)} %`);
      bar.set(share);
      keyed(
        facts,
        factsOf(now),
        ([key]) => key,
        ([key]) => h("div", h("span.muted", t(`running.${key}`)), h("b")),
        (line, [, text]) => setText(line.lastChild, text),
      );
      keyed(
        done,
        now.images ?? [],
        (one) => one.url,
        (one) => h("a", { href: hash(["task", id]) }, h("img", { src: thumbnail(one.url, 64), alt: t("running.done") })),
      );
      show(skip, (now.image_count ?? 1) > 1);
    },
    end() {
      preview.end();
      removeKeys();
    },
  };
}

function factsOf(card) {
  const facts = [];
  if (card.step && card.steps) facts.push(["step", `${card.step} / ${card.steps}`]);
  else facts.push(["phase", t(`phase.${card.phase ?? "loading"}`)]);
  if (card.image_count > 1) facts.push(["image", `${card.image_number ?? 1} / ${card.image_count}`]);
  if (card.eta_seconds !== null && card.eta_seconds !== undefined)
    facts.push(["left", duration(Math.max(1, Math.round(card.eta_seconds)))]);
  facts.push(["began", clock(card.started_at ?? card.start_mills)]);
  return facts;
}
