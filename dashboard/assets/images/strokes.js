/**
 * Strokes of a mask, drawn onto a canvas.
 * @module
 */

/**
 * @typedef {object} Stroke
 * @property {string} tool brush, eraser, invert, clear or file.
 * @property {number} size diameter in the image's pixels.
 * @property {number[][]} points
 * @property {ImageBitmap} [mask] of a file, which takes the place of all before it.
 */

/**
 * Draw the masked area in white and leave the rest transparent.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 * @param {ImageBitmap | null} base a black and white mask below the strokes.
 */
export function drawStrokes(context, strokes, base) {
  const { width, height } = context.canvas;
  context.globalCompositeOperation = "source-over";
  context.clearRect(0, 0, width, height);
  if (base) fromMask(context, base);
  for (const { tool, size, points, mask } of strokes) {
    if (tool === "clear") context.clearRect(0, 0, width, height);
    else if (tool === "file") {
      context.globalCompositeOperation = "source-over";
      context.clearRect(0, 0, width, height);
      fromMask(context, /** @type {ImageBitmap} */ (mask));
    } else if (tool === "invert") {
      context.globalCompositeOperation = "xor";
      context.fillStyle = "#fff";
      context.fillRect(0, 0, width, height);
    } else {
      context.globalCompositeOperation = tool === "eraser" ? "destination-out" : "source-over";
      line(context, size, points);
    }
  }
  context.globalCompositeOperation = "source-over";
}

function line(context, size, points) {
  context.strokeStyle = "#fff";
  context.fillStyle = "#fff";
  context.lineWidth = size;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  if (points.length === 1) {
    context.arc(points[0][0], points[0][1], size / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

/** @type {WeakMap<ImageBitmap, HTMLCanvasElement>} masks as they are drawn: reading pixels at each move of the brush is slow. */
const drawn = new WeakMap();

function fromMask(context, mask) {
  if (!drawn.has(mask)) drawn.set(mask, whiteParts(mask, context.canvas));
  context.drawImage(drawn.get(mask), 0, 0);
}

/** Return a black and white mask in an image's size, its white parts alone. */
function whiteParts(mask, { width, height }) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(mask, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  for (let at = 0; at < data.length; at += 4) {
    data[at + 3] = data[at] > 127 ? 255 : 0;
    data[at] = data[at + 1] = data[at + 2] = 255;
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/**
 * Return the mask as a PNG of exactly two values, white where it is painted; null if nothing is.
 *
 * @param {number} width
 * @param {number} height
 * @param {Stroke[]} strokes
 * @param {ImageBitmap | null} base
 * @returns {Promise<Blob | null>}
 */
export async function maskBlob(width, height, strokes, base) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  drawStrokes(context, strokes, base);
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  let painted = false;
  // Smooth edges would be half painted: the server takes a mask as it is.
  for (let at = 0; at < data.length; at += 4) {
    const value = data[at + 3] > 127 ? 255 : 0;
    if (value) painted = true;
    data[at] = data[at + 1] = data[at + 2] = value;
    data[at + 3] = 255;
  }
  if (!painted) return null;
  context.putImageData(pixels, 0, 0);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("PNG"))), "image/png"),
  );
}
