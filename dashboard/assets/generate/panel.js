/**
 * The panel that writes a request and sends it.
 * @module
 */
import { cleanups } from "../core/store.js";
import { h, icon, setText, show } from "../core/dom.js";
import { hash } from "../core/router.js";
import { t } from "../i18n/index.js";
import { can } from "../core/session.js";
import { prefs } from "../core/prefs.js";
import { connection } from "../live/live.js";
import { button, errorText, failure, skeleton } from "../widgets/parts.js";
import { note, noteError } from "../widgets/notes.js";
import { withMenu } from "../widgets/menu.js";
import { choosePreset, draft, prepare, reset, rootOf, submit } from "./draft.js";
import { firstFields } from "./first-fields.js";
import { IMAGE_FIELDS, imageSection } from "../images/section.js";
import { moreFields } from "./more.js";
import { choose, inputOf, select } from "./controls.js";
import { loadSchema } from "./schema.js";

/**
 * Build the panel.
 *
 * @param {{narrow?: boolean}} [options] `narrow`: it stands next to the overview, and can be closed.
 * @returns {{element: HTMLElement, end: () => void}}
 */
export function generatePanel({ narrow = false } = {}) {
  const ends = cleanups();
  const body = h("div.generate-body", skeleton(6, 30));
  const send = h(
    "button.button.primary.generate-send",
    { type: "submit", disabled: true },
    icon("generate"),
    h("span", t("generate.action")),
    h("kbd", "Ctrl ↵"),
  );
  const menu = withMenu(button({ label: t("nav.more"), icon: "more", kind: "quiet", compact: true, small: true }), () => [
    { label: t("generate.reset"), icon: "undo", onClick: reset },
    narrow && { label: t("generate.close"), icon: "panel", onClick: () => prefs.set({ panel: false }) },
  ]);
  const presetPlace = h("div.generate-preset", { data: { field: "preset" } });
  const status = h("p.generate-status", { role: "alert", hidden: true });
  const form = h(
    "form.panel.generate",
    {
      "aria-label": t("nav.generate"),
      novalidate: true,
      on: {
        submit: (event) => {
          event.preventDefault();
          void run(false);
        },
      },
    },
    h("header", h("h2", t("nav.generate")), h("div.fill"), presetPlace, menu),
    body,
    h(
      "footer",
      status,
      h(
        "div.generate-buttons",
        send,
        can("control") &&
          button({
            label: t("generate.front"),
            icon: "top",
            compact: true,
            onClick: () => run(true),
            attrs: { id: "generate-front" },
          }),
      ),
    ),
  );

  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void run(event.shiftKey && can("control"));
  });

  /** @type {HTMLSelectElement | null} */
  let presetMenu = null;
  /** @type {Promise<boolean> | null} the newest choice of a preset, while its values are read; false if it can't be had. */
  let choosing = null;
  function usePreset(name) {
    const mine = choosePreset(name)
      .then((missing) => {
        sayMissing(missing);
        return !missing;
      })
      .catch((error) => {
        noteError(error);
        return false;
      })
      .finally(() => {
        if (choosing !== mine) return;
        choosing = null;
        if (presetMenu) choose(presetMenu, draft.get().preset);
      });
    choosing = mine;
  }
  /** Say that a preset was deleted, and offer it no more. */
  function sayMissing(name) {
    if (!name) return;
    [...(presetMenu?.options ?? [])].find(({ value }) => value === name)?.remove();
    note(t("generate.presetGone", { name }), { bad: true, ms: 9000 });
  }
  /** Wait for the values of the chosen preset: what is sent is what is shown. */
  async function chosen() {
    let known = true;
    while (choosing) known = await choosing;
    return known;
  }

  let sending = false;
  async function run(front) {
    if (sending || send.disabled) return;
    sending = true;
    send.disabled = true;
    show(status, false);
    if (!(await chosen())) {
      sending = false;
      drawSend();
      return;
    }
    try {
      const { record, refused } = await submit({ front });
      if (refused) noteError(refused);
      note(front && !refused ? t("generate.sentFront") : t("generate.sent"), {
        action: t("generate.see"),
        onAction: () => {
          location.hash = hash(["task", record.task_id]);
        },
      });
    } catch (error) {
      const { problems } = draft.get();
      show(status, true);
      setText(status, problems.length ? t("generate.refused", { n: problems.length }) : errorText(error));
      reveal(problems[0]);
      // It may have been deleted since it was chosen.
      if (problems.some(({ field }) => field === "preset")) usePreset(draft.get().preset);
    }
    sending = false;
    drawSend();
  }

  /** Bring the first refused field into view, also out of those that only a search shows. */
  function reveal(problem) {
    if (!problem) return;
    const name = rootOf(problem.field);
    more?.reveal(name);
    goTo(name);
  }

  /** Bring a field into view; one of an image that was not chosen yet is where images are. */
  function goTo(name) {
    const places = [...form.querySelectorAll(`[data-field="${CSS.escape(name)}"], [data-field="images"]`)];
    const place = places.find((one) => one.dataset.field === name && !one.closest("[hidden]")) ?? (IMAGE_FIELDS.includes(name) ? places[0] : null);
    const details = place?.closest("details");
    if (details) details.open = true;
    if (place) inputOf(place)?.focus();
    place?.scrollIntoView({ block: "nearest" });
  }

  function drawSend() {
    const offline = connection.get().state === "waiting";
    send.disabled = sending || !more || offline;
    setText(send.querySelector("span"), offline ? t("generate.offline") : t("generate.action"));
  }

  /** @type {ReturnType<typeof moreFields> | null} */
  let more = null;
  /** True while the fields could not be read. */
  let failed = false;
  async function build() {
    let schema;
    let missing;
    failed = false;
    try {
      schema = await loadSchema();
      missing = await prepare();
    } catch (error) {
      body.replaceChildren(failure(error, build));
      failed = true;
      return;
    }
    if (ends.isOver()) return;
    const first = firstFields(schema);
    const images = imageSection(schema);
    more = moreFields(schema, first.names, goTo);
    body.replaceChildren(first.element, images.element, more.element);
    const presets = schema.fields.preset?.enum ?? [];
    if (presets.length > 1) {
      const input = select(presets, usePreset, (value) => (value === "initial" ? t("generate.noPreset") : value));
      presetMenu = input;
      input.classList.add("small");
      input.setAttribute("aria-label", t("generate.preset"));
      presetPlace.replaceChildren(input);
      ends.add(draft.watch(({ preset }) => choose(input, preset)));
    }
    sayMissing(missing);
    const sync = () => {
      first.sync();
      images.sync();
      more?.sync();
    };
    ends.add(draft.watch(sync), images.end);
    drawSend();
  }
  ends.add(
    connection.watch(({ state }) => {
      drawSend();
      if (failed && state === "live") void build();
    }),
  );
  void build();
  return { element: form, end: ends.end };
}
