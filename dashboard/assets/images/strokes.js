/**
 * Strokes of a mask, drawn onto a canvas.
 * @module
 */

/**
 * @typedef {object} Stroke
 * @property {string} tool brush, eraser, invert or clear.
 * @property {number} size diameter in the image's pixels.
 * @property {number[][]} points
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
  for (const { tool, size, points } of strokes) {
    if (tool === "clear") context.clearRect(0, 0, width, height);
    else if (tool === "invert") {
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

function fromMask(context, base) {
  const { width, height } = context.canvas;
  context.drawImage(base, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  for (let at = 0; at < data.length; at += 4) {
    data[at + 3] = data[at] > 127 ? 255 : 0;
    data[at] = data[at + 1] = data[at + 2] = 255;
  }
  context.putImageData(pixels, 0, 0);
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
