/**
 * Images of the reader: out of a file, the clipboard or a drop.
 * @module
 */
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

/** Return the image files in a paste or a drop. */
export function imageFiles(transfer) {
  return [...(transfer?.files ?? [])].filter((file) => file.type.startsWith("image/"));
}

/** Return the address of a picture of this page in a drop, or null. */
function droppedAddress(transfer) {
  const text = transfer?.getData("text/x-fooocus-image");
  return text || null;
}

/**
 * Make an element take images by drop.
 *
 * @param {HTMLElement} element
 * @param {(source: {files?: File[], url?: string}) => void} onDrop
 */
export function dropTarget(element, onDrop) {
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    element.classList.remove("over");
    const url = droppedAddress(event.dataTransfer);
    const files = imageFiles(event.dataTransfer);
    if (url) onDrop({ url });
    else if (files.length) onDrop({ files });
  });
}

/** Make a picture of the page draggable onto the panel. */
export function dragSource(element, url) {
  element.draggable = true;
  element.addEventListener("dragstart", (event) => event.dataTransfer?.setData("text/x-fooocus-image", url));
}
