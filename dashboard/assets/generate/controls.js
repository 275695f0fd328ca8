/**
 * Controls for fields of a schema.
 * @module
 */
import { h } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { errorText, field } from "../widgets/parts.js";
import { descriptionOf, labelOf, rangeOf } from "./schema.js";
import { draft, rootOf, setValue, valueOf } from "./draft.js";
import { upload } from "../images/upload.js";

const LONG_TEXT = 20_000;

/**
 * @typedef {object} Control
 * @property {HTMLElement} element the field with its label, marked with `data-field`.
 * @property {() => void} sync shows the draft's value and its problems.
 */

/**
 * Build the control of a field.
 *
 * @param {string} name
 * @param {import("./schema.js").Property} property
 * @param {{label?: string, hint?: boolean}} [options]
 * @returns {Control}
 */
export function control(name, property, { label = labelOf(name, property), hint = true } = {}) {
  const { input, write } = parts(name, property);
  const range = rangeOf(property);
  const description = hint ? [descriptionOf(property), range && `(${range})`].filter(Boolean).join(" ") : "";
  const element =
    input.type === "checkbox"
      ? h("div.field", h("label.check", input, label), description && h("div.hint", description))
      : field(label, input, { hint: description });
  element.dataset.field = name;
  return {
    element,
    sync() {
      write(valueOf(name));
      showProblems(element, name, input);
    },
  };
}

/** Return what takes a field's value: of a number that is its box, not the buttons before it. */
export const inputOf = (element) =>
  /** @type {HTMLElement | null} */ (
    element.querySelector("input:not([type=file]), select, textarea") ?? element.querySelector("button")
  );

/** Show the problems of a field below it. */
export function showProblems(element, name, input = inputOf(element)) {
  const mine = draft.get().problems.filter((problem) => rootOf(problem.field) === name);
  let note = element.querySelector(":scope > .error");
  input?.setAttribute("aria-invalid", String(mine.length > 0));
  if (!mine.length) {
    note?.remove();
    return;
  }
  if (!note) {
    note = h("div.error", { role: "alert" });
    element.append(note);
  }
  const words = mine.map(
    ({ message, allowed, field: path }) =>
      `${path === name ? "" : `${path}: `}${message}${allowed?.length ? ` (${allowed.slice(0, 5).join(", ")})` : ""}`,
  );
  note.textContent = words.join("; ");
}

/** Build the element of a field, and the function that shows a value in it. */
function parts(name, property) {
  const set = (value) => setValue(name, value);
  const kind = property.type ?? property.anyOf?.find((one) => one.type !== "null")?.type;
  if (/_image(_upload)?$/.test(name) && kind === "string") return imageField(name, set);
  if (kind === "boolean") {
    const input = h("input", { type: "checkbox", on: { change: () => set(input.checked) } });
    return {
      input,
      write: (value) => {
        input.checked = Boolean(value);
      },
    };
  }
  if (property.enum) {
    const input = select(property.enum, (value) => set(value));
    return { input, write: (value) => choose(input, value) };
  }
  if (kind === "integer" || kind === "number") return numberField(name, property, kind, set);
  if (kind === "string") {
    const input = h(property.maxLength >= LONG_TEXT ? "textarea.input" : "input.input", {
      rows: property.maxLength >= LONG_TEXT ? 2 : null,
      maxlength: property.maxLength,
      autocomplete: "off",
      on: { input: () => set(input.value) },
    });
    return {
      input,
      write: (value) => {
        if (input.value !== (value ?? "")) input.value = value ?? "";
      },
    };
  }
  if (kind === "array" && property.items?.enum) return choices(property.items.enum, set);
  return jsonField(set);
}

/** Build a select; it shows a value that it does not have, too: a model may have been deleted. */
export function select(options, onChange, label = (value) => value) {
  const input = h(
    "select.input",
    { on: { change: () => onChange(input.value) } },
    options.map((value) => h("option", { value }, label(value))),
  );
  return input;
}

/** Select a value. */
export function choose(input, value) {
  const text = String(value ?? "");
  if (![...input.options].some((option) => option.value === text)) input.append(h("option", { value: text }, text));
  if (input.value !== text) input.value = text;
}

function numberField(name, property, kind, set) {
  const { minimum, maximum } = property;
  const isSeed = /seed/.test(name);
  const input = h("input.input", {
    type: isSeed ? "text" : "number",
    inputmode: "decimal",
    min: minimum,
    max: isSeed ? null : maximum,
    autocomplete: "off",
    step: kind === "integer" ? 1 : "any",
    on: {
      blur: () => (input.value = valueOf(name) ?? ""),
      input: () => {
        if (input.value === "") set(undefined);
        else if (isSeed) set(input.value.trim());
        else if (Number.isFinite(input.valueAsNumber)) set(input.valueAsNumber);
      },
    },
  });
  return {
    input,
    write: (value) => {
      // A field that was emptied to write another number is not filled again below the reader's hands.
      if (document.activeElement !== input) input.value = value ?? "";
    },
  };
}

function choices(options, set) {
  const boxes = options.map((value) => h("input", { type: "checkbox", value, on: { change } }));
  const input = h(
    "div.chips",
    { role: "group" },
    boxes.map((box) => h("label.check", box, box.value)),
  );
  function change() {
    set(boxes.filter((box) => box.checked).map((box) => box.value));
  }
  return {
    input,
    write: (value) => {
      for (const box of boxes) box.checked = (value ?? []).includes(box.value);
    },
  };
}

/** A list or an object without a control of its own is written as JSON. */
function jsonField(set) {
  const input = h("textarea.input.mono", {
    rows: 3,
    spellcheck: "false",
    on: {
      change: () => {
        try {
          set(input.value.trim() ? JSON.parse(input.value) : undefined);
          input.setCustomValidity("");
        } catch (error) {
          input.setCustomValidity(t("generate.badJson", { text: errorText(error) }));
          input.reportValidity();
        }
      },
    },
  });
  return {
    input,
    write: (value) => {
      if (document.activeElement !== input) input.value = value === null ? "" : JSON.stringify(value, null, 1);
    },
  };
}

function imageField(name, set) {
  const input = h("input.input", { type: "file", accept: "image/*", on: { change: take } });
  async function take() {
    if (!input.files?.[0]) return set(null);
    try {
      set((await upload(input.files[0])).url);
    } catch (error) {
      input.setCustomValidity(errorText(error));
      input.reportValidity();
    }
  }
  return {
    input,
    write: (value) => {
      if (!value) input.value = "";
    },
  };
}
