/**
 * The fields of a request, out of the API's own schema: types, ranges, allowed values, defaults.
 * @module
 */
import { get } from "../core/api.js";
import { has, t } from "../i18n/index.js";
import { PARAMETERS } from "../i18n/parameters.js";
import { currentLanguage } from "../i18n/index.js";

/**
 * @typedef {Record<string, any>} Property a JSON schema.
 *
 * @typedef {object} Schema
 * @property {Record<string, Property>} fields
 * @property {Record<string, any>} defaults
 * @property {Record<string, Property>} parts schemas of list entries: `Lora`, `ImagePrompt`.
 */

/** Fields of one submission, on which no picture depends: the server's `OF_A_SUBMISSION`. */
export const OF_A_SUBMISSION = [
  "async_process",
  "stream_output",
  "require_base64",
  "webhook_url",
  "priority",
  "tags",
  "client_data",
];

/** @type {Promise<Schema> | null} */
let loading = null;

/** @type {Record<string, string>} Chinese descriptions by the English ones. */
let chinese = {};

/** Read the schema, once for the page, and the Chinese of its texts if they are shown. */
export async function loadSchema() {
  loading ??= read().catch((error) => {
    loading = null;
    throw error;
  });
  const [schema] = await Promise.all([loading, loadTexts()]);
  return schema;
}

/** A table that can't be read leaves the texts in English. */
async function loadTexts() {
  if (currentLanguage() !== "zh") return;
  const table = await import("../i18n/descriptions.js").catch(() => null);
  if (table) chinese = table.default;
}

/** Return the description of a field in the page's language, if there is one. */
export function descriptionOf({ description = "" }) {
  return (currentLanguage() === "zh" && chinese[description]) || description;
}

/** Return all texts by which a field is found, in both languages. */
export function textsOf(name, property) {
  const { title = "", description = "" } = property;
  return [name, ...(PARAMETERS[name] ?? [labelOf(name, property)]), title, description, descriptionOf(property)].join(" ");
}

/** Forget the schema, whose lists of models and presets may have changed. */
export function forgetSchema() {
  loading = null;
}

async function read() {
  const document = await get("/v1/openapi.json");
  const parts = document.components.schemas;
  const path = document.paths["/v1/engine/generate/"] ?? document.paths["/v1/engine/generate"];
  const content = path.post.requestBody.content["application/json"].schema;
  const resolved = content.$ref ? parts[content.$ref.split("/").at(-1)] : content;
  const fields = Object.fromEntries(Object.entries(resolved.properties).filter(([, property]) => !property.deprecated));
  const defaults = Object.fromEntries(Object.entries(fields).map(([name, { default: value }]) => [name, value ?? null]));
  return { fields, defaults, parts };
}

/** Return the name of a field as the WebUI has it. */
export function labelOf(name, property) {
  const words = PARAMETERS[name];
  if (words) return words[currentLanguage() === "zh" ? 1 : 0];
  return has(`field.${name}`) ? t(`field.${name}`) : (property?.title ?? name);
}

/** Return the numbers that a field allows, as `0 – 30`; empty if it has no range. */
export function rangeOf({ minimum, maximum }) {
  if (minimum === undefined || maximum === undefined || Math.abs(maximum) > 1e9) return "";
  return `${minimum} – ${maximum}`;
}

/** Compare two values of a field. */
export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
