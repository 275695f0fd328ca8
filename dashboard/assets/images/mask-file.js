/**
 * The pictures that the editor of a mask loads: the image below, and a mask out of a file.
 * @module
 */
import { show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { image } from "../core/paths.js";
import { dropTarget, fileField, imageFiles } from "./upload.js";

/** Load a picture upright, as the server reads it. */
export async function bitmap(url) {
  const response = await fetch(image(url), { credentials: "same-origin" });
  if (!response.ok) throw new Error(t("mask.noImage"));
  return createImageBitmap(await response.blob(), { imageOrientation: "from-image" });
}

/**
 * Build the hidden field for a mask's file. What is dropped or pasted while the editor is open is a mask, too.
 *
 * @param {HTMLElement} problem says that a file is no image.
 * @param {(mask: ImageBitmap) => void} onMask
 */
export function maskFile(problem, onMask) {
  const field = fileField(([one]) => void load(one));
  async function load(one) {
    const mask = await createImageBitmap(one, { imageOrientation: "from-image" }).catch(() => null);
    show(problem, !mask);
    if (mask) onMask(mask);
    else problem.textContent = t("mask.notImage", { name: one.name });
  }
  const paste = (event) => {
    const [one] = imageFiles(event.clipboardData);
    if (!one) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    void load(one);
  };
  return {
    field,
    /** @param {HTMLElement} element */
    listen(element) {
      document.addEventListener("paste", paste, true);
      dropTarget(element, ({ files }) => files && void load(files[0]));
    },
    end: () => document.removeEventListener("paste", paste, true),
  };
}
