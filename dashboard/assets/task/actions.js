/**
 * What can be done with a task and one of its pictures.
 * @module
 */
import { address, image } from "../core/paths.js";
import { h } from "../core/dom.js";
import { go, hash } from "../core/router.js";
import { t } from "../i18n/index.js";
import { can, session } from "../core/session.js";
import { changeTags, repeatTasks, STAR } from "../gallery/actions.js";
import { setValues, take } from "../generate/draft.js";
import { paintMask } from "../images/mask.js";
import { button, linkButton } from "../widgets/parts.js";
import { note, noteError } from "../widgets/notes.js";
import { withMenu } from "../widgets/menu.js";
import { copyText } from "../widgets/clipboard.js";
import { asCurl, asJson, asPython } from "./copies.js";

/** The picture that was marked to be compared with another one. */
let marked = "";
const COMPARE = "compare-picture";

/**
 * Build the buttons.
 *
 * @param {any} record
 * @param {number} index of the picture.
 * @param {{reload: () => void, onDelete: () => void, select: (index: number) => void}} on
 */
export function actionBar(record, index, { reload, onDelete }) {
  const one = record.images[index];
  const ended = !["pending", "running"].includes(record.task_status);
  const starred = (record.tags ?? []).includes(STAR);
  const generates = can("generate");
  const more = [
    generates && ended && { label: t("action.again"), icon: "again", onClick: () => void repeatTasks([record.task_id]) },
    one && { line: true },
    one && { label: t("task.open"), icon: "external", href: image(one.url), attrs: { target: "_blank", rel: "noreferrer" } },
    one && session.get().webui && { label: t("task.webui"), icon: "external", onClick: () => void openInWebui(one) },
    ended && can("control") && { line: true },
    ended && can("control") && { label: t("action.delete"), icon: "trash", danger: true, onClick: onDelete },
  ];
  return h(
    "div.task-actions",
    generates &&
      withMenu(button({ label: t("task.useAgain"), icon: "again", kind: "primary" }), () => [
        { label: t("again.all"), end: "A", onClick: () => void takeAgain(record, index, "all") },
        { label: t("again.noSeed"), end: "R", onClick: () => void takeAgain(record, index, "noSeed") },
        { label: t("again.prompt"), onClick: () => void takeAgain(record, index, "prompt") },
        { label: t("again.seed"), onClick: () => void takeAgain(record, index, "seed") },
      ]),
    generates &&
      one &&
      withMenu(button({ label: t("task.upscale"), icon: "upscale" }), () =>
        ["Upscale (1.5x)", "Upscale (2x)", "Upscale (Fast 2x)"].map((method) => ({
          label: method,
          onClick: () => void useImage(record, one, { uov_input_image: one.url, uov_method: method }),
        })),
      ),
    generates &&
      one &&
      withMenu(button({ label: t("task.vary"), icon: "vary" }), () =>
        ["Vary (Subtle)", "Vary (Strong)"].map((method) => ({
          label: method,
          onClick: () => void useImage(record, one, { uov_input_image: one.url, uov_method: method }),
        })),
      ),
    generates &&
      one &&
      withMenu(button({ label: t("task.edit"), icon: "brush" }), () => [
        { label: t("task.inpaint"), icon: "brush", onClick: () => void inpaint(record, one) },
        {
          label: t("image.role.prompt"),
          icon: "image",
          onClick: () =>
            void useImage(record, one, {
              controlnet_image: [{ cn_img: one.url, cn_type: "ImagePrompt", cn_stop: 0.5, cn_weight: 0.6 }],
            }),
        },
      ]),
    withMenu(button({ label: t("task.copyAs"), icon: "copy" }), () => [
      { label: "curl", onClick: () => void copyText(asCurl(record, index)) },
      { label: "Python", onClick: () => void copyText(asPython(record, index)) },
      { label: "JSON", onClick: () => void copyText(asJson(record, index)) },
    ]),
    one &&
      linkButton({
        label: t("action.download"),
        icon: "download",
        compact: true,
        href: image(one.url, { download: 1 }),
        attrs: { download: "" },
      }),
    one &&
      button({
        label: t("task.compare"),
        icon: "compare",
        compact: true,
        keys: "C",
        attrs: { id: COMPARE, "aria-pressed": String(marked === `${record.task_id}:${index}`) },
        onClick: () => compareWith(record, index),
      }),
    can("control") &&
      button({
        label: t("action.star"),
        icon: "star",
        compact: true,
        keys: ".",
        attrs: { "aria-pressed": String(starred) },
        onClick: () => toggleStar(record).then(reload),
      }),
    withMenu(button({ label: t("nav.more"), icon: "more", compact: true }), () => more),
  );
}

/** Star a task, or take its star. A star is a tag. */
export async function toggleStar(record) {
  const starred = (record.tags ?? []).includes(STAR);
  await changeTags([record.task_id], starred ? { remove_tags: [STAR] } : { tags: [STAR] });
}

/**
 * Take a task's request over into the panel.
 *
 * @param {any} record
 * @param {number} index
 * @param {"all" | "noSeed" | "prompt" | "seed"} part
 */
export async function takeAgain(record, index, part) {
  const one = record.images[index];
  const request = { ...(one?.repeat ?? record.req_params) };
  // The first picture stands for the whole task, another one for itself.
  if (!index) for (const name of ["image_number", "generate_image_grid"]) request[name] = record.req_params[name];
  // A picture's own seed: that of the request is the first one's, or -1.
  if (one?.seed_text) request.image_seed = one.seed_text;
  try {
    if (part === "all") await take(request);
    else if (part === "noSeed") await take({ ...requestOf(record, one), repeat_of: "" }, { without: ["image_seed"] });
    else if (part === "prompt") await take(record.req_params, { only: ["prompt", "negative_prompt", "style_selections"] });
    else setValues({ image_seed: request.image_seed });
    go("#/generate");
    note(t(`again.done.${part}`));
  } catch (error) {
    noteError(error);
  }
}

/** Return a task's request. The controls of the WebUI may hold images that its task did not use. */
const requestOf = (record, one) => (record.source === "webui" && one?.repeat) || record.req_params;

/** Begin a request with a picture, and with the words and models of its task. */
async function useImage(record, one, values) {
  try {
    await take(
      {
        ...requestOf(record, one),
        uov_input_image: null,
        enhance_input_image: null,
        inpaint_input_image: null,
        inpaint_mask_image_upload: null,
        controlnet_image: [],
        uov_method: "Disabled",
        repeat_of: "",
      },
      { without: ["image_seed", "image_number", "overwrite_width", "overwrite_height"] },
    );
    setValues(values);
    go("#/generate");
  } catch (error) {
    noteError(error);
  }
}

async function inpaint(record, one) {
  try {
    const mask = await paintMask(one.url);
    if (mask === undefined) return;
    await useImage(record, one, { inpaint_input_image: one.url, inpaint_mask_image_upload: mask });
  } catch (error) {
    noteError(error);
  }
}

/** Compare a picture with the marked one. The first one is marked; the same one again is not, any more. */
export function compareWith(record, index) {
  const mine = `${record.task_id}:${index}`;
  if (!record.images[index]) return;
  if (marked && marked !== mine) {
    const first = marked;
    marked = "";
    go(hash(["compare", first, mine]));
    return;
  }
  marked = marked ? "" : mine;
  document.getElementById(COMPARE)?.setAttribute("aria-pressed", String(Boolean(marked)));
  note(t(marked ? "compare.marked" : "compare.unmarked"));
}

/** Open the WebUI with a picture's parameters on the clipboard: pasted into its prompt, they show Load Parameters. */
async function openInWebui(one) {
  await copyText(JSON.stringify(one.metadata ?? {}), t("task.webuiCopied"));
  window.open(address("/"), "_blank", "noreferrer");
}
