/**
 * The images of a request: one to vary or upscale, one to inpaint or extend, and image prompts.
 * @module
 */
import { cleanups } from "../core/store.js";
import { h, icon, isTyping, keyed, setText, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { image } from "../core/paths.js";
import { post } from "../core/api.js";
import { button } from "../widgets/parts.js";
import { note, noteError } from "../widgets/notes.js";
import { withMenu } from "../widgets/menu.js";
import { choose, control, select, showProblems } from "../generate/controls.js";
import { draft, setValue, setValues, take, valueOf } from "../generate/draft.js";
import { maskRow } from "./mask-row.js";
import { dropTarget, fileField, imageFiles, upload } from "./upload.js";

/** Fields that this section shows. */
export const IMAGE_FIELDS = [
  "uov_input_image",
  "uov_method",
  "upscale_multiple",
  "controlnet_image",
  "inpaint_input_image",
  "inpaint_mask_image_upload",
  "inpaint_additional_prompt",
  "outpaint_selections",
];
const ROLES = ["prompt", "uov", "inpaint"];

/**
 * Build the section.
 *
 * @param {import("./schema.js").Schema} schema
 */
export function imageSection({ fields, parts }) {
  const ends = cleanups();
  const file = fileField((files) => void addFiles(files), { multiple: true });
  const zone = h(
    "button.drop-zone",
    { type: "button", on: { click: () => file.click() } },
    icon("image"),
    h("span", t("image.drop")),
  );
  const list = h("div.image-list");
  const element = h("div.field.images", { data: { field: "images" } }, h("div.label", t("image.title")), list, zone, file);
  const controls = Object.fromEntries(
    ["uov_method", "upscale_multiple", "inpaint_additional_prompt", "outpaint_selections"]
      .filter((name) => fields[name])
      .map((name) => [name, control(name, fields[name], { hint: false })]),
  );
  const types = parts.ImagePrompt?.properties?.cn_type?.enum ?? ["ImagePrompt"];

  dropTarget(element, ({ files, url }) => (url ? put(url, "prompt") : void addFiles(files)));
  const paste = (event) => {
    const files = imageFiles(event.clipboardData);
    if (!files.length || (isTyping(event) && event.clipboardData.getData("text/plain"))) return;
    event.preventDefault();
    const mask = document.activeElement?.closest(".mask-row");
    if (mask && list.contains(mask)) /** @type {any} */ (mask).take(files);
    else void addFiles(files);
  };
  document.addEventListener("paste", paste);
  ends.add(() => document.removeEventListener("paste", paste));

  async function addFiles(files) {
    for (const one of files) {
      zone.classList.add("busy");
      setText(zone.lastChild, t("image.uploading"));
      try {
        put((await upload(one)).url, "prompt");
      } catch (error) {
        noteError(error);
      }
      zone.classList.remove("busy");
      setText(zone.lastChild, t("image.drop"));
    }
  }

  /** What the request has now, one entry for each image. */
  function entries() {
    const found = (valueOf("controlnet_image") ?? []).map((item, index) => ({ role: "prompt", url: item.cn_img, item, index }));
    if (valueOf("uov_input_image")) found.unshift({ role: "uov", url: valueOf("uov_input_image") });
    if (valueOf("inpaint_input_image")) found.unshift({ role: "inpaint", url: valueOf("inpaint_input_image") });
    return found.filter(({ url }) => url);
  }

  /** Give an image a role; one that had it gives way. */
  function put(url, role) {
    if (role === "prompt")
      setValue("controlnet_image", [
        ...(valueOf("controlnet_image") ?? []),
        { cn_img: url, cn_type: types[0], cn_stop: 0.5, cn_weight: 0.6 },
      ]);
    else if (role === "uov")
      setValues({ uov_input_image: url, ...(valueOf("uov_method") === "Disabled" ? { uov_method: "Upscale (2x)" } : {}) });
    else setValues({ inpaint_input_image: url, inpaint_mask_image_upload: null });
  }
  function remove({ role, index }) {
    if (role === "prompt")
      setValue(
        "controlnet_image",
        valueOf("controlnet_image").filter((_, at) => at !== index),
      );
    else if (role === "uov") setValues({ uov_input_image: null, uov_method: "Disabled" });
    else setValues({ inpaint_input_image: null, inpaint_mask_image_upload: null, outpaint_selections: [] });
  }
  function changePrompt(index, patch) {
    setValue(
      "controlnet_image",
      valueOf("controlnet_image").map((item, at) => (at === index ? { ...item, ...patch } : item)),
    );
  }

  function row(entry) {
    const role = select(
      ROLES,
      (value) => {
        const hadFocus = document.activeElement === role;
        remove(entry);
        put(entry.url, value);
        if (hadFocus) focusRole(value);
      },
      (value) => t(`image.role.${value}`),
    );
    role.classList.add("small");
    role.setAttribute("aria-label", t("image.role"));
    role.value = entry.role;
    const more = withMenu(button({ label: t("nav.more"), icon: "more", kind: "quiet", small: true, compact: true }), () => [
      { label: t("image.describe"), icon: "search", onClick: () => void describe(entry.url) },
      { label: t("image.read"), icon: "info", onClick: () => void readParameters(entry.url) },
      { label: t("action.remove"), icon: "close", danger: true, onClick: () => remove(entry) },
    ]);
    return h(
      "div.image-entry",
      h("img.thumb", { src: image(entry.url), alt: t(`image.role.${entry.role}`) }),
      h("div.image-words", h("div.image-head", role, more), details(entry)),
    );
  }

  /** Focus the choice of the image that has a role since now: an arrow key chooses, and the next one chooses on. */
  function focusRole(role) {
    const choices = /** @type {HTMLSelectElement[]} */ ([...list.querySelectorAll(".image-head select")]);
    choices.findLast(({ value }) => value === role)?.focus();
  }

  function details(entry) {
    if (entry.role === "uov") return h("div.image-details", controls.uov_method?.element, controls.upscale_multiple?.element);
    if (entry.role === "inpaint") {
      return h(
        "div.image-details",
        maskRow(),
        controls.outpaint_selections?.element,
        controls.inpaint_additional_prompt?.element,
      );
    }
    const type = select(types, (value) => changePrompt(entry.index, { cn_type: value }));
    type.classList.add("small");
    type.setAttribute("aria-label", t("image.type"));
    const slider = (name, max) =>
      h(
        "label.range-line",
        h("span", t(`image.${name}`)),
        h("input", {
          type: "range",
          min: 0,
          max,
          step: 0.05,
          data: { name },
          on: { input: (event) => changePrompt(entry.index, { [`cn_${name}`]: event.target.valueAsNumber }) },
        }),
        h("output.num"),
      );
    return h("div.image-details", type, slider("stop", 1), slider("weight", 2));
  }

  function update(line, entry) {
    // The line of an image that was moved away may stand for the next one of the same address.
    choose(line.querySelector(".image-head select"), entry.role);
    if (entry.role === "prompt") {
      choose(line.querySelector(".image-details select"), entry.item.cn_type);
      for (const input of line.querySelectorAll("[type=range]")) {
        const value = entry.item[`cn_${input.dataset.name}`] ?? 0.6;
        if (input.valueAsNumber !== value) input.value = value;
        setText(input.nextSibling, String(value));
      }
    } else if (entry.role === "inpaint") line.querySelector(".mask-row").sync();
  }

  async function describe(url) {
    try {
      const { describe: text } = await post("/v1/tools/describe-image", { image: url });
      setValue("prompt", text);
      document.querySelector("#prompt")?.focus();
    } catch (error) {
      noteError(error);
    }
  }
  async function readParameters(url) {
    try {
      const { request, generator } = await post("/v1/tools/read-metadata", { image: url });
      if (!request) note(t("image.noParameters"));
      else {
        await take(request);
        note(t("image.taken", { name: generator ?? "" }));
      }
    } catch (error) {
      noteError(error);
    }
  }

  return {
    element,
    end: ends.end,
    sync() {
      keyed(list, entries(), (entry) => `${entry.role}${entry.index ?? ""}${entry.url}`, row, update);
      for (const one of Object.values(controls)) one.sync();
      if (controls.upscale_multiple) show(controls.upscale_multiple.element, valueOf("uov_method") === "Upscale (Custom)");
      const { problems } = draft.get();
      const mine = problems.find(({ field }) => /^(uov_input|controlnet|inpaint_input|inpaint_mask)/.test(field));
      showProblems(element, mine ? mine.field.split(/[.[]/)[0] : "images", zone);
    },
  };
}
