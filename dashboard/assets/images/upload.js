/**
 * Images of the reader: out of a file, the clipboard or a drop.
 * @module
 */
import { h } from "../core/dom.js";
import { request } from "../core/api.js";

/**
 * Store an image on the server, for any field that takes one.
 *
 * @param {Blob} file
 * @returns {Promise<{url: string, file_name: string, width: number, height: number}>}
 */
export function upload(file) {
  const form = new FormData();
  form.append("image", file, file instanceof File ? file.name || "image.png" : "image.png");
  return request("POST", "/inputs", { body: form });
}

/** Return the image files of a paste, which may hold other files next to a text. */
export function imageFiles(transfer) {
  return [...(transfer?.files ?? [])].filter((file) => file.type.startsWith("image/"));
}

/**
 * Build a hidden field that chooses images; its `click()` opens the browser's window.
 *
 * @param {(files: File[]) => void} onFiles
 * @param {{multiple?: boolean}} [options]
 */
export function fileField(onFiles, { multiple = false } = {}) {
  const file = h("input.sr", {
    type: "file",
    accept: "image/*",
    multiple,
    tabindex: -1,
    "aria-hidden": "true",
    on: {
      change: () => {
        const files = [...file.files];
        file.value = "";
        if (files.length) onFiles(files);
      },
    },
  });
  return file;
}

/** Return the address of a picture of this page in a drop, or null. */
function droppedAddress(transfer) {
  const text = transfer?.getData("text/x-fooocus-image");
  return text || null;
}

/**
 * Make an element take images by drop. Files of other kinds are taken, too: a browser does not know all images, and what is none is
 * refused in words. An element inside it may have its own drops.
 *
 * @param {HTMLElement} element
 * @param {(source: {files?: File[], url?: string}) => void} onDrop
 */
export function dropTarget(element, onDrop) {
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    event.stopPropagation();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    element.classList.remove("over");
    const url = droppedAddress(event.dataTransfer);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (url) onDrop({ url });
    else if (files.length) onDrop({ files });
  });
}

/** Make a picture of the page draggable onto the panel. */
export function dragSource(element, url) {
  element.draggable = true;
  element.addEventListener("dragstart", (event) => event.dataTransfer?.setData("text/x-fooocus-image", url));
}
