/**
 * The mask of the image to inpaint: painted, or taken out of a file.
 * @module
 */
import { h, setText, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { button } from "../widgets/parts.js";
import { noteError } from "../widgets/notes.js";
import { setValue, valueOf } from "../generate/draft.js";
import { paintMask } from "./mask.js";
import { dropTarget, fileField, upload } from "./upload.js";

const NAME = "inpaint_mask_image_upload";

/** Build the row. It takes a file by choice, by drop, and by paste while something in it has the focus. */
export function maskRow() {
  const state = h("span.mask-state.small.muted", { role: "status" });
  const file = fileField(([one]) => void use(one));
  const remove = button({
    label: t("mask.remove"),
    icon: "close",
    kind: "quiet",
    small: true,
    compact: true,
    onClick: () => setValue(NAME, null),
  });
  const buttons = h(
    "div.mask-buttons",
    button({ label: t("mask.paint"), icon: "brush", small: true, onClick: paint }),
    button({ label: t("mask.file"), icon: "image", small: true, onClick: () => file.click() }),
  );
  const element = h("div.mask-row", { tabindex: -1, title: t("mask.drop") }, buttons, state, remove, file);

  async function paint() {
    const url = valueOf("inpaint_input_image");
    try {
      const mask = await paintMask(url, valueOf(NAME));
      if (mask !== undefined && valueOf("inpaint_input_image") === url) setValue(NAME, mask);
    } catch (error) {
      noteError(error);
    }
  }
  /** Store a file as the mask. The server refuses one that is no image. */
  async function use(one) {
    const url = valueOf("inpaint_input_image");
    element.setAttribute("aria-busy", "true");
    setText(state, t("image.uploading"));
    try {
      const mask = await upload(one);
      if (valueOf("inpaint_input_image") === url) setValue(NAME, mask.url);
    } catch (error) {
      noteError(error);
    }
    element.removeAttribute("aria-busy");
    sync();
  }
  function sync() {
    const mask = valueOf(NAME);
    if (!element.hasAttribute("aria-busy")) setText(state, mask ? t("mask.set") : t("mask.unset"));
    show(remove, Boolean(mask));
  }
  dropTarget(element, ({ files, url }) => (url ? setValue(NAME, url) : void use(files[0])));
  return Object.assign(element, { sync, take: (files) => void use(files[0]) });
}
