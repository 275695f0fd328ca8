/**
 * The parameters, times and errors of a task as lists.
 * @module
 */
import { dateTime, duration, number, pixels } from "../core/format.js";
import { h } from "../core/dom.js";
import { hash } from "../core/router.js";
import { t } from "../i18n/index.js";
import { can } from "../core/session.js";
import { changeTags } from "../gallery/actions.js";
import { labelOf, OF_A_SUBMISSION } from "../generate/schema.js";
import { button } from "../widgets/parts.js";
import { ask } from "../widgets/dialog.js";
import { copyText } from "../widgets/clipboard.js";
import { webhookPart } from "./webhooks.js";

const FIRST = [
  "prompt",
  "negative_prompt",
  "style_selections",
  "performance_selection",
  "aspect_ratios_selection",
  "image_seed",
  "base_model_name",
  "refiner_model_name",
  "loras",
];
const LEFT_OUT = [...FIRST, ...OF_A_SUBMISSION, "image_number", "repeat_of", "preset"];

/**
 * Build the lists.
 *
 * @param {any} record
 * @param {number} index of the picture.
 * @param {{add: (...ends: (() => void)[]) => void}} ends
 */
export function parameters(record, index, ends) {
  const one = record.images[index];
  const params = record.req_params;
  const loras = (params.loras ?? []).filter(({ enabled, model_name: name }) => enabled !== false && name && name !== "None");
  return h(
    "div.task-lists",
    record.error &&
      h("section.notice.bad", { role: "alert" }, h("div", h("strong", record.error.type), h("p.mono", record.error.message))),
    record.incomplete?.length > 0 &&
      h(
        "section.notice.warn",
        h(
          "div",
          record.incomplete.map((line) => h("p", line)),
        ),
      ),
    tags(record),
    section("", [
      long(t("task.prompt"), params.prompt),
      long(t("task.negative"), params.negative_prompt),
      one?.metadata?.prompt_expansion &&
        one.metadata.prompt_expansion !== params.prompt &&
        long(t("task.expansion"), one.metadata.prompt_expansion),
      seed(one, params),
      line(t("task.size"), one ? pixels(one.width, one.height) : text(params.aspect_ratios_selection).replace("*", " × ")),
      line(t("task.styles"), (params.style_selections ?? []).join(", ")),
      line(t("task.performance"), params.performance_selection),
      line(t("task.model"), params.base_model_name),
      params.refiner_model_name !== "None" && line(t("task.refiner"), params.refiner_model_name),
      loras.length > 0 && line("LoRA", loras.map(({ model_name: name, weight }) => `${name} (${number(weight, 2)})`).join(", ")),
      one?.metadata?.steps && line(t("task.steps"), one.metadata.steps),
      one?.metadata?.sampler && line(t("task.sampler"), `${one.metadata.sampler}, ${one.metadata.scheduler ?? ""}`),
    ]),
    section(t("task.times"), [
      line(t("task.queued"), dateTime(record.in_queue_mills)),
      line(t("task.began"), dateTime(record.start_mills)),
      line(t("task.ended"), dateTime(record.finish_mills)),
      record.start_mills > 0 && line(t("task.waited"), duration((record.start_mills - record.in_queue_mills) / 1000)),
      record.finish_mills > 0 &&
        record.start_mills > 0 &&
        line(t("task.took"), duration((record.finish_mills - record.start_mills) / 1000)),
      line(t("task.source"), record.source),
      record.node && line(t("task.node"), record.node),
      record.attempts > 1 && line(t("task.attempts"), number(record.attempts)),
      params.priority ? line(t("task.priority"), number(params.priority)) : null,
      record.batch &&
        line(
          t("task.batch"),
          h("a", { href: hash(["batches", record.batch.batch_id]) }, t("task.batchRow", { n: record.batch.row })),
        ),
      record.repeats &&
        line(
          t("task.repeats"),
          h("a", { href: hash(["task", record.repeats.task_id]) }, record.repeats.exact ? t("task.exact") : t("task.notExact")),
        ),
      line("ID", record.task_id, { copy: true, mono: true }),
    ]),
    webhookPart(record, ends),
    others(params),
    raw(record),
  );
}

function section(title, lines) {
  return h("section", title && h("h3", title), h("dl.facts-list", lines.filter(Boolean)));
}

/** Build a line of a list, if it has a value. */
function line(label, value, { copy = false, mono = false } = {}) {
  if (value === null || value === undefined || value === "" || value === "–") return null;
  return h(
    "div",
    h("dt", label),
    h(
      "dd",
      { class: mono ? "mono" : "" },
      value,
      copy &&
        button({
          label: t("copy.what", { what: label }),
          icon: "copy",
          kind: "quiet",
          small: true,
          compact: true,
          onClick: () => void copyText(String(value)),
        }),
    ),
  );
}

/** Build the line of the seed; without a picture there may be none yet. */
function seed(one, params) {
  const value = one?.seed_text ?? text(params.image_seed);
  return value === "-1" ? line(t("task.seed"), t("task.random")) : line(t("task.seed"), value, { copy: true, mono: true });
}

/** Build a text of several lines with its button to copy. */
function long(label, value) {
  if (!value) return null;
  return h(
    "div.long",
    h(
      "dt",
      label,
      button({
        label: t("copy.what", { what: label }),
        icon: "copy",
        kind: "quiet",
        small: true,
        compact: true,
        onClick: () => void copyText(value),
      }),
    ),
    h("dd", value),
  );
}

const text = (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? ""));

/** Build the list of all other fields. */
function others(params) {
  const lines = Object.entries(params).filter(
    ([name, value]) => !LEFT_OUT.includes(name) && value !== null && value !== "" && !(Array.isArray(value) && !value.length),
  );
  return h(
    "details",
    h("summary", t("task.all", { n: lines.length })),
    h(
      "dl.facts-list",
      lines.map(([name, value]) => line(labelOf(name), text(value))),
    ),
  );
}

function raw(record) {
  const place = h("pre.raw");
  const details = h("details", h("summary", "JSON"), place);
  details.addEventListener("toggle", () => {
    if (details.open && !place.textContent) place.textContent = JSON.stringify(record, null, 2);
  });
  return details;
}

/** Draw the tags that are shown: another picture of the task builds them again while a change is on its way. */
let drawTags = () => {};

/** Build the tags, with what adds and removes them. */
function tags(record) {
  const place = h("div.chips");
  /** Change some tags: all of them, sent as a list, would undo what was changed since they were read. */
  async function change({ tags = [], remove_tags = [] }) {
    if (!(await changeTags([record.task_id], { tags, remove_tags }))) return;
    const left = (record.tags ?? []).filter((tag) => !remove_tags.includes(tag));
    record.tags = [...new Set([...left, ...tags])];
    drawTags();
  }
  async function add() {
    const tag = await ask({ title: t("tag.title", { n: 1 }), label: t("filter.tag"), action: t("tag.action") });
    if (tag?.trim()) await change({ tags: [tag.trim()] });
  }
  function draw() {
    place.replaceChildren(
      ...(record.tags ?? []).map((tag) =>
        can("control")
          ? h(
              "button.chip",
              {
                type: "button",
                "aria-label": t("tag.remove", { tag }),
                on: { click: () => void change({ remove_tags: [tag] }) },
              },
              tag,
              h("span", { "aria-hidden": "true" }, "×"),
            )
          : h("span.chip", tag),
      ),
    );
    if (can("control"))
      place.append(button({ label: t("tag.add"), icon: "plus", kind: "quiet", small: true, onClick: add }));
  }
  drawTags = draw;
  draw();
  return place;
}
