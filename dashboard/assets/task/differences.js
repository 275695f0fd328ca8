/**
 * The differences of two requests, with the words of their prompts marked.
 * @module
 */
import { h, icon } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { labelOf, same } from "../generate/schema.js";

const TEXTS = ["prompt", "negative_prompt"];
const LEFT_OUT = ["async_process", "stream_output", "require_base64", "webhook_url", "repeat_of", "image_seed"];
const LONGEST = 600;

/** Build the table of what differs. */
export function differences(one, onePicture, other, otherPicture) {
  const [before, after] = [values(one, onePicture), values(other, otherPicture)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !same(before[name], after[name]));
  if (!names.length) return h("div.notice", icon("check"), t("compare.same"));
  return h(
    "div.table",
    h(
      "table",
      h("caption.sr", t("compare.differences")),
      h(
        "thead",
        h(
          "tr",
          h("th", { scope: "col" }, t("compare.differences")),
          h("th", { scope: "col" }, "A"),
          h("th", { scope: "col" }, "B"),
        ),
      ),
      h(
        "tbody",
        names.map((name) => row(name, before[name], after[name])),
      ),
    ),
  );
}

function values(record, picture) {
  const params = Object.fromEntries(
    Object.entries(record.req_params).filter(
      ([name, value]) => !LEFT_OUT.includes(name) && value !== null && value !== undefined,
    ),
  );
  return { ...params, image_seed: picture?.seed_text ?? "", size: picture ? `${picture.width} × ${picture.height}` : "" };
}

function row(name, before, after) {
  const label = name === "size" ? t("task.size") : labelOf(name);
  const [a, b] = TEXTS.includes(name) ? words(String(before ?? ""), String(after ?? "")) : [shown(before), shown(after)];
  return h("tr", h("th", { scope: "row" }, label), h("td", a), h("td", b));
}

function shown(value) {
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join(", ") || "–";
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "–");
}

/** Mark the words that only one of two texts has, by their longest common sequence. */
function words(one, other) {
  const [a, b] = [split(one), split(other)];
  if (a.length > LONGEST || b.length > LONGEST) return [one, other];
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const [left, right] = [[], []];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      left.push(a[i]);
      right.push(b[j]);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      left.push(h("del", a[i]));
      i += 1;
    } else {
      right.push(h("ins", b[j]));
      j += 1;
    }
  }
  return [h("span.words", left), h("span.words", right)];
}

/** Split a text into words with the space behind them; Chinese into its signs. */
const split = (text) => text.match(/[\u3400-\u9fff]|[^\s\u3400-\u9fff]+\s*|\s+/g) ?? [];
