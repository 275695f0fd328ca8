/**
 * The picture of a running task, drawn into a canvas: neither `blob:` nor `data:` addresses are needed, and none are kept.
 * @module
 */
import { h } from "../core/dom.js";
import { on } from "../live/live.js";

const MOST = 64;
/** @type {Map<string, string>} task → its newest preview. */
const newest = new Map();
/** @type {Set<() => void>} */
const canvases = new Set();

on("progress", (event) => {
  if (!event.preview) return;
  newest.delete(event.task_id);
  newest.set(event.task_id, event.preview);
  // An end may have been missed: the oldest one goes.
  if (newest.size > MOST) newest.delete(newest.keys().next().value ?? "");
  for (const draw of canvases) draw();
});

for (const end of ["finished", "failed", "stopped", "interrupted"]) on(end, (event) => newest.delete(event.task_id));

/**
 * Build a canvas with the newest preview of a task.
 *
 * @param {() => string | null} task the id of the task to show.
 * @param {string} label does not change with the steps: a screen reader would repeat it.
 * @returns {{element: HTMLCanvasElement, draw: () => void, end: () => void}}
 */
export function previewCanvas(task, label) {
  const element = h("canvas", { role: "img", "aria-label": label, width: 1, height: 1 });
  let busy = false;
  let drawn = "";
  async function draw() {
    const id = task();
    const uri = id && newest.get(id);
    if (busy || !uri || uri === drawn) return;
    busy = true;
    try {
      const bitmap = await createImageBitmap(blobOf(uri));
      if (element.width !== bitmap.width) element.width = bitmap.width;
      if (element.height !== bitmap.height) element.height = bitmap.height;
      element.getContext("2d")?.drawImage(bitmap, 0, 0);
      bitmap.close();
      drawn = uri;
      element.dataset.drawn = id;
    } catch {
      // A broken preview is followed by another one.
    }
    busy = false;
    // Those that came while this one was decoded are skipped, but for the newest.
    if (id && newest.get(id) !== uri) void draw();
  }
  canvases.add(draw);
  void draw();
  return { element, draw, end: () => canvases.delete(draw) };
}

function blobOf(uri) {
  const [head, text] = uri.split(",", 2);
  const binary = atob(text ?? head);
  const data = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) data[at] = binary.charCodeAt(at);
  return new Blob([data], { type: /data:([^;,]+)/.exec(head)?.[1] ?? "image/png" });
}
