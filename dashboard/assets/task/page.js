/**
 * A task's page: its pictures, its parameters, and what can be done with it.
 * @module
 */
import { cleanups } from "../core/store.js";
import { fill, h } from "../core/dom.js";
import { go, hash, rewrite } from "../core/router.js";
import { shortened } from "../core/format.js";
import { t } from "../i18n/index.js";
import { ApiError, get } from "../core/api.js";
import { can } from "../core/session.js";
import { image, thumbnail } from "../core/paths.js";
import { on } from "../live/live.js";
import { currentSource } from "../gallery/source.js";
import { deleteTasks } from "../gallery/actions.js";
import { pageKeys } from "../shell/keys.js";
import { button, empty, failure, linkButton, skeleton, stateLabel } from "../widgets/parts.js";
import { actionBar, compareWith, takeAgain, toggleStar } from "./actions.js";
import { livePart } from "./live-part.js";
import { parameters } from "./parameters.js";
import { buildViewer } from "./viewer.js";

/** @type {((route: any) => boolean) | null} */
let take = null;

/** Walk to another task without building the page again. */
export const reroute = (route) => take?.(route) ?? false;

/** Fill the page. */
export function mount(root, route) {
  const ends = cleanups();
  let id = route.rest[0] ?? "";
  let index = Number(route.query.get("i") ?? 0) || 0;
  let record = null;
  let part = cleanups();
  const viewer = buildViewer({ onNext: () => walk(1), onPrevious: () => walk(-1) });
  const place = h("span.muted.num");
  const head = h("div.page-head.task-head", { data: { redrawn: "" } });
  const strip = h("div.task-strip", { role: "group", "aria-label": t("task.images"), data: { redrawn: "" } });
  const stage = h("div.task-stage", viewer.element, strip);
  const side = h("aside.task-side", { "aria-label": t("task.parameters"), data: { redrawn: "" } });
  const body = h("div.task", stage, side);
  root.append(head, body);

  async function load() {
    const wanted = id;
    try {
      if (!wanted) throw new ApiError(404, {});
      const answer = await get(`/tasks/${encodeURIComponent(wanted)}`);
      if (wanted !== id) return;
      record = answer;
      draw();
    } catch (error) {
      if (wanted !== id) return;
      record = null;
      const gone = error instanceof ApiError && error.status === 404;
      fill(head, h("h1", t("task.title")));
      fill(
        body,
        gone
          ? empty("broken", t("task.gone"), "", linkButton({ label: t("nav.gallery"), icon: "gallery", href: "#/gallery" }))
          : failure(error, load),
      );
    }
  }

  function draw() {
    part.end();
    part = cleanups();
    const { images, task_status: status } = record;
    index = Math.max(0, Math.min(index, images.length - 1));
    document.title = `${shortened(record.req_params.prompt, 60) || t("task.noPrompt")} · Fooocus`;
    if (stage.parentNode !== body) fill(body, stage, side);
    const ended = !["pending", "running"].includes(status);
    const source = currentSource();
    const at = source?.indexOf(id) ?? -1;
    place.textContent = images.length > 1 ? t("task.imageOf", { n: index + 1, m: images.length }) : "";
    fill(
      head,
      linkButton({
        label: t("nav.gallery"),
        icon: "left",
        kind: "quiet",
        compact: true,
        href: at >= 0 ? hash(["gallery"], source?.filters ?? {}) : "#/gallery",
      }),
      h("h1.clip", { title: record.req_params.prompt }, shortened(record.req_params.prompt, 160) || t("task.noPrompt")),
      stateLabel(status),
      place,
      h("div.fill"),
      button({
        label: t("task.previous"),
        icon: "left",
        compact: true,
        keys: "←",
        onClick: () => walk(-1),
        disabled: index === 0 && at <= 0,
      }),
      button({
        label: t("task.next"),
        icon: "right",
        compact: true,
        keys: "→",
        onClick: () => walk(1),
        disabled: index >= images.length - 1 && (at < 0 || at >= (source?.size ?? 0) - 1),
      }),
    );
    if (!ended) {
      fill(stage, livePart(record, part));
    } else if (!images.length) {
      fill(stage, h("div.task-none", empty(status === "failed" ? "error" : "image", t("task.noImages"))));
    } else {
      if (viewer.element.parentNode !== stage) fill(stage, viewer.element, strip);
      show();
    }
    drawSide();
  }

  function show() {
    const one = record.images[index];
    viewer.show(image(one.url), {
      alt: `${shortened(record.req_params.prompt)}, ${t("task.imageOf", { n: index + 1, m: record.images.length })}`,
      width: one.width,
      height: one.height,
      small: thumbnail(one.url, 384),
      kept: one.kept,
    });
    fill(
      strip,
      record.images.length > 1 &&
        record.images.map((other, at) =>
          h(
            "button",
            {
              type: "button",
              "aria-label": t("task.imageOf", { n: at + 1, m: record.images.length }),
              "aria-pressed": String(at === index),
              on: { click: () => select(at) },
            },
            h("img", { src: thumbnail(other.url, 72), alt: "" }),
          ),
        ),
    );
    preload();
  }
  function drawSide() {
    fill(side, actionBar(record, index, { reload: load, onDelete: erase, select }), parameters(record, index, part));
  }
  function select(at) {
    index = at;
    rewrite(hash(["task", id], { i: index || "" }));
    draw();
  }

  /** Have the next picture ready: most look at one after the other. */
  function preload() {
    const source = currentSource();
    const at = source?.indexOf(id) ?? -1;
    if (at < 0) return;
    source?.want(at, at + 2);
    const next = source?.at(at + 1);
    if (next?.cover) new Image().src = image(next.cover);
  }

  /** Go to the next image: of the task, and after its last one of the list. */
  async function walk(by) {
    if (!record) return;
    if (record.images[index + by]) {
      select(index + by);
      return;
    }
    const source = currentSource();
    const at = source?.indexOf(id) ?? -1;
    if (!source || at < 0 || at + by < 0 || at + by >= source.size) return;
    const [card] = await source.range(at + by, at + by);
    if (!card) return;
    goTo(card.task_id, by < 0 ? Number.MAX_SAFE_INTEGER : 0);
  }
  function goTo(task, at) {
    id = task;
    index = at;
    rewrite(hash(["task", id]));
    void load();
  }

  function erase() {
    const source = currentSource();
    const at = source?.indexOf(id) ?? -1;
    const deleted = id;
    void deleteTasks([id], {
      onHide: () => {
        // The next one takes its place.
        const next = source && at >= 0 ? source.at(Math.min(at, source.size - 1)) : null;
        if (next) goTo(next.task_id, 0);
        else go("#/gallery");
      },
      onUndo: () => go(hash(["task", deleted])),
    });
  }

  take = (next) => {
    if (!next.rest[0]) return false;
    if (next.rest[0] === id) {
      if (record) select(Number(next.query.get("i") ?? 0) || 0);
      return true;
    }
    id = next.rest[0];
    index = Number(next.query.get("i") ?? 0) || 0;
    void load();
    return true;
  };
  const reload = (event) => {
    if (event.task_id === id) void load();
  };
  ends.add(
    on("started", reload),
    on("finished", reload),
    on("failed", reload),
    on("stopped", reload),
    on("interrupted", reload),
    on("reload", () => void load()),
    on("deleted", ({ task_ids }) => task_ids.includes(id) && void load()),
    pageKeys({
      ArrowRight: () => void walk(1),
      ArrowLeft: () => void walk(-1),
      z: () => viewer.toggle(),
      Escape: () => (history.length > 1 ? history.back() : go("#/gallery")),
      a: () => (can("generate") && record ? void takeAgain(record, index, "all") : false),
      r: () => (can("generate") && record ? void takeAgain(record, index, "noSeed") : false),
      c: () => (record ? compareWith(record, index) : false),
      ".": () => (can("control") && record ? void toggleStar(record).then(load) : false),
      Delete: () => (can("control") && record ? erase() : false),
    }),
    () => {
      take = null;
      part.end();
      viewer.end();
    },
  );
  fill(side, skeleton(8));
  void load();
  return ends.end;
}
