"""Scripts that a benchmark runs in the page: times of frames, and times at which previews were painted."""

from __future__ import annotations

FRAMES = """
const [step, frames, done] = [arguments[0], [], arguments[1]];
let last = performance.now();
requestAnimationFrame(function frame(now) {
  frames.push(now - last);
  last = now;
  scrollBy(0, step);
  if (frames.length <= 180) requestAnimationFrame(frame);
  else done(frames.slice(1).sort((one, other) => one - other));
});
"""
"""Scrolls by its argument in each of 180 frames; returns the milliseconds between frames in ascending order."""
PAINTS = """
window.paints = new Map();
let step = 0;
const decode = window.createImageBitmap.bind(window);
const steps = new WeakMap();
window.createImageBitmap = async (...given) => {
  let of = 0;
  queueMicrotask(() => { of = step; });  // after all subscribers of the event have run, one of which notes the step
  const bitmap = await decode(...given);
  steps.set(bitmap, of);
  return bitmap;
};
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (image, ...rest) {
  const of = steps.get(image);
  if (of) requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();  // its message comes when the frame has been painted
    port1.onmessage = () => { if (!window.paints.has(of)) window.paints.set(of, performance.timeOrigin + performance.now()); };
    port2.postMessage(null);
  });
  return draw.call(this, image, ...rest);
};
window.watchSteps = async () => {
  const app = document.querySelector("link[rel=modulepreload][href$='app.js']");
  if (!app) return false;
  const { on } = await import(new URL("live/live.js", app.href).href);
  on("progress", (event) => { if (event.preview) step = event.step ?? 0; });
  return true;
};
"""
"""Runs before the page's own scripts. `watchSteps()` resolves when the page has loaded its modules; then `paints` maps each step
to the time since 1970, in milliseconds, at which the frame with its preview was painted."""
