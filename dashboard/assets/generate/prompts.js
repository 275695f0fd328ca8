/**
 * Earlier prompts, out of the server's history: the browser keeps none.
 * @module
 */
import { fill, h, show } from "../core/dom.js";
import { ago, shortened } from "../core/format.js";
import { t } from "../i18n/index.js";
import { get, taskLists } from "../core/api.js";
import { openDialog } from "../widgets/dialog.js";
import { noteError } from "../widgets/notes.js";
import { empty, failure, skeleton } from "../widgets/parts.js";
import { setValue } from "./draft.js";

const READ = 200;

/** Open the list; the prompt that is chosen goes into the panel. */
export function pickPrompt() {
  const search = h("input.input", {
    type: "search",
    placeholder: t("gallery.search"),
    "aria-label": t("gallery.search"),
    autofocus: true,
    on: { input: filter },
  });
  const list = h("div.prompt-list", skeleton(6, 20));
  const { close } = openDialog({ title: t("prompts.title"), width: 720, body: [search, list] });

  async function load() {
    try {
      const { lists } = await taskLists({ query: "history", sort: "finished", page_size: READ });
      const newest = new Map();
      for (const card of lists.history) if (card.prompt && !newest.has(card.prompt)) newest.set(card.prompt, card);
      if (newest.size) fill(list, [...newest.values()].map(entry));
      else fill(list, empty("search", t("prompts.none")));
      filter();
    } catch (error) {
      fill(list, failure(error, load));
    }
  }
  function entry(card) {
    return h(
      "button.prompt-entry",
      { type: "button", data: { words: card.prompt.toLowerCase() }, on: { click: () => void use(card) } },
      h("span.clip", shortened(card.prompt, 200)),
      h("span.muted.small", ago(card.finish_mills)),
    );
  }
  /** Take a prompt in its full length: a card has its beginning. */
  async function use(card) {
    try {
      const { req_params: request } = await get(`/tasks/${encodeURIComponent(card.task_id)}`);
      setValue("prompt", request.prompt);
      close();
    } catch (error) {
      noteError(error);
    }
  }
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const one of list.querySelectorAll(".prompt-entry"))
      show(
        one,
        words.every((word) => one.dataset.words.includes(word)),
      );
  }
  void load();
}
