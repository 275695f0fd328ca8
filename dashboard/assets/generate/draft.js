/**
 * The request that is being written: what differs from the defaults, or from those of its preset. It stays in this browser.
 * @module
 */
import { ApiError, get, idempotencyKey, post } from "../core/api.js";
import { read, write } from "../core/prefs.js";
import { createStore, throttled } from "../core/store.js";
import { forgetSchema, loadSchema, OF_A_SUBMISSION, same } from "./schema.js";

/** Fields that a request does not take over from another one; its tags it does. */
const NOT_TAKEN = [...OF_A_SUBMISSION.filter((name) => name !== "tags"), "repeat_of", "preset"];
const IMAGES = ["uov_input_image", "inpaint_input_image", "inpaint_mask_image_upload", "enhance_input_image", "controlnet_image"];

/**
 * @typedef {object} Draft
 * @property {string} preset
 * @property {Record<string, any>} base defaults with the preset's values.
 * @property {Record<string, any>} values what differs from them.
 * @property {import("../core/api.js").FieldProblem[]} problems of the last submission.
 */

/** @type {import("../core/store.js").Store<Draft>} */
export const draft = createStore({ preset: "initial", base: {}, values: {}, problems: [], ...stored() });

function stored() {
  const { preset = "initial", values = {} } = read("draft", /** @type {any} */ ({}));
  return { preset, values };
}

const save = throttled(() => {
  const { preset, values } = draft.get();
  write("draft", { preset, values });
}, 800);
draft.watch(save, false);

/** Return the value of a field as it would be sent. */
export function valueOf(name) {
  const { values, base } = draft.get();
  return name in values ? values[name] : base[name];
}

/** Set a field; its default removes it from the request. */
export function setValue(name, value) {
  const { values, base, problems } = draft.get();
  const next = { ...values };
  if (same(value, base[name]) || value === undefined) delete next[name];
  else next[name] = value;
  draft.set({ values: next, problems: problems.filter(({ field }) => rootOf(field) !== name) });
}

/** Set several fields. */
export function setValues(patch) {
  for (const [name, value] of Object.entries(patch)) setValue(name, value);
}

/** Return the field of a path: `loras[0].weight` is one of `loras`. */
export const rootOf = (path) => String(path).split(/[.[]/, 1)[0];

/** @type {{name: string} | null} the newest choice of a preset, while its values are read; earlier answers do not count. */
let choice = null;

/** Read the defaults, those of the chosen preset included. */
export const prepare = () => choosePreset(choice?.name ?? draft.get().preset);

/**
 * Choose a preset: its values become the defaults, and what the reader has set stays. One that was deleted leaves Fooocus's.
 *
 * @param {string} name
 * @returns {Promise<string | null>} the name if there is no such preset any more.
 */
export async function choosePreset(name) {
  const mine = { name };
  choice = mine;
  try {
    const { defaults } = await loadSchema();
    const fields = await presetFields(name);
    if (choice !== mine) return null;
    draft.set({ preset: fields ? name : "initial", base: { ...defaults, ...fields } });
    if (fields) return null;
    forgetSchema();
    return name;
  } catch (error) {
    if (choice === mine) throw error;
    return null;
  } finally {
    if (choice === mine) choice = null;
  }
}

/** Read a preset's values, null if there is no such preset. */
async function presetFields(preset) {
  if (!preset || preset === "initial") return {};
  try {
    return (await get(`/v1/engines/presets/${encodeURIComponent(preset)}`)).fields ?? {};
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** Empty the draft. */
export function reset() {
  draft.set({ values: {}, problems: [] });
  write("draft", null);
}

/**
 * Take a request over, as that of an earlier task.
 *
 * @param {Record<string, any>} request all fields, or some.
 * @param {{only?: string[], without?: string[]}} [choice]
 */
export async function take(request, { only, without = [] } = {}) {
  const { defaults } = await loadSchema();
  if (only) {
    setValues(Object.fromEntries(only.filter((name) => name in request).map((name) => [name, request[name]])));
    return;
  }
  const values = {};
  for (const [name, value] of Object.entries(request)) {
    if (!(name in defaults) || NOT_TAKEN.includes(name) || without.includes(name)) continue;
    if (!same(value, defaults[name]) && value !== null) values[name] = value;
  }
  // The random state of a repeated task matters to input images alone.
  if (request.repeat_of && !without.includes("image_seed") && IMAGES.some((name) => values[name]?.length))
    values.repeat_of = request.repeat_of;
  choice = null;
  draft.set({ preset: "initial", base: defaults, values, problems: [] });
}

/** Return the body of the request. */
export function body() {
  const { preset, values } = draft.get();
  return { ...(preset !== "initial" ? { preset } : {}), ...values };
}

/** Answers after which the request may still be accepted: none, that of a copy in progress, or a gateway's for a slow server. */
const UNSETTLED = [0, 409, 502, 504];
/** The newest attempt: a copy of it, sent again after the answer was lost, is no other task. */
let attempt = { text: "", key: "" };

/**
 * Send the request. Refused fields go into the draft.
 *
 * @param {{front?: boolean}} [options] `front`: it is to be the next one.
 * @returns {Promise<{record: any, refused: any}>} the record of the pending task, and the error if it was not moved to the front.
 */
export async function submit({ front = false } = {}) {
  draft.set({ problems: [] });
  const request = { prompt: "", ...body(), async_process: true };
  const text = JSON.stringify(request);
  if (text !== attempt.text) attempt = { text, key: idempotencyKey() };
  let record;
  try {
    record = await post("/v1/engine/generate/", request, { headers: { "Idempotency-Key": attempt.key } });
    attempt.text = "";
  } catch (error) {
    if (!(error instanceof ApiError) || !UNSETTLED.includes(error.status)) attempt.text = "";
    if (error instanceof ApiError) draft.set({ problems: error.errors });
    throw error;
  }
  return { record, refused: front ? await moveToFront(record.task_id) : null };
}

async function moveToFront(id) {
  try {
    await post(`/tasks/${id}/move-to-front`);
    return null;
  } catch (error) {
    return error instanceof ApiError && error.status === 409 ? null : error; // 409: it runs already
  }
}
