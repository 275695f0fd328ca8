/**
 * The newest results in a row.
 * @module
 */
import { h, icon, keyed } from "../core/dom.js";
import { hash } from "../core/router.js";
import { shortened } from "../core/format.js";
import { t } from "../i18n/index.js";
import { taskLists } from "../core/api.js";
import { on } from "../live/live.js";
import { thumbnail } from "../core/paths.js";
import { throttled } from "../core/store.js";
import { dragSource } from "../images/upload.js";
import { empty, failure, skeleton, stateIcon } from "../widgets/parts.js";

const NUMBER = 14;

/** Build the panel. */
export function latestStrip(ends) {
  const strip = h("div.strip");
  const body = h("div.body", skeleton(2, 30));
  const element = h(
    "section.panel",
    h(
      "header",
      h("h2", t("latest.title")),
      h("div.fill"),
      h("a.button.quiet.small", { href: "#/gallery" }, t("latest.all"), icon("right")),
    ),
    body,
  );

  async function load() {
    try {
      const { lists } = await taskLists({ query: "history", sort: "finished", page_size: NUMBER });
      draw(lists.history);
    } catch (error) {
      body.replaceChildren(failure(error, load));
    }
  }
  function draw(cards) {
    if (!cards.length) {
      body.replaceChildren(empty("gallery", t("latest.empty"), t("latest.emptyText")));
      return;
    }
    keyed(strip, cards, (card) => card.task_id, tile);
    if (strip.parentNode !== body) body.replaceChildren(strip);
  }
  const soon = throttled(load, 1500);
  // A stopped task has the images that were ready.
  for (const kind of ["finished", "failed", "stopped", "interrupted", "deleted", "reload"]) ends.add(on(kind, soon));
  void load();
  return element;
}

function tile(card) {
  const words = `${shortened(card.prompt) || t("task.noPrompt")}, ${t(`status.${card.task_status}`)}`;
  const element = h(
    "a",
    { href: hash(["task", card.task_id]), title: shortened(card.prompt, 200), "aria-label": words },
    card.cover
      ? h("img", { src: thumbnail(card.cover, 112), alt: "", decoding: "async" })
      : h("span.blank", icon(stateIcon(card.task_status))),
    card.saved_images > 1 && h("span.count", card.saved_images),
  );
  if (card.cover) dragSource(element, card.cover);
  return element;
}
