/**
 * The fields that people use first.
 * @module
 */
import { h, icon, keyed, setText, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { randomSeed, validSeed } from "../core/seeds.js";
import { can } from "../core/session.js";
import { button, field } from "../widgets/parts.js";
import { choose, select, showProblems } from "./controls.js";
import { setValue, valueOf } from "./draft.js";
import { labelOf } from "./schema.js";
import { loraList } from "./loras.js";
import { pickPrompt } from "./prompts.js";
import { pickStyles } from "./styles.js";

/**
 * Build the fields.
 *
 * @param {import("./schema.js").Schema} schema
 */
export function firstFields(schema) {
  const { fields } = schema;
  const all = [
    promptField(),
    negativeField(),
    stylesField(fields),
    row(sizeField(fields), numberField(fields)),
    row(choiceField("performance_selection", fields), seedField()),
    choiceField("base_model_name", fields),
    loraList(schema),
  ];
  return {
    element: h(
      "div.first-fields",
      all.map(({ element }) => element),
    ),
    names: [
      "prompt",
      "negative_prompt",
      "style_selections",
      "aspect_ratios_selection",
      "image_number",
      "performance_selection",
      "image_seed",
      "base_model_name",
      "loras",
      "preset",
    ],
    sync: () => {
      for (const { sync } of all) sync();
    },
  };
}

function row(...controls) {
  return {
    element: h(
      "div.field-row",
      controls.map(({ element }) => element),
    ),
    sync: () => {
      for (const { sync } of controls) sync();
    },
  };
}

function named(name, element, sync) {
  element.dataset.field = name;
  return {
    element,
    sync: () => {
      sync();
      showProblems(element, name);
    },
  };
}

function textArea(name, rows, placeholder) {
  const input = h("textarea.input", {
    rows,
    placeholder,
    maxlength: 20_000,
    on: {
      input: () => {
        setValue(name, input.value);
        grow();
      },
    },
  });
  function grow() {
    // A textarea of the size of its text, where the browser can't do it itself.
    if (CSS.supports("field-sizing", "content")) return;
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight + 2, 360)}px`;
  }
  return {
    input,
    sync: () => {
      const value = valueOf(name) ?? "";
      if (input.value !== value) {
        input.value = value;
        grow();
      }
    },
  };
}

function promptField() {
  const { input, sync } = textArea("prompt", 4, t("generate.promptPlaceholder"));
  input.classList.add("prompt-input");
  input.id = "prompt";
  const earlier = button({
    label: t("prompts.title"),
    icon: "clock",
    kind: "quiet",
    small: true,
    compact: true,
    onClick: pickPrompt,
    attrs: { id: "earlier-prompts" },
  });
  return named("prompt", field(t("task.prompt"), input, { after: can("read") ? [h("span.fill"), earlier] : null }), sync);
}

function negativeField() {
  const { input, sync } = textArea("negative_prompt", 2, t("generate.negativePlaceholder"));
  const words = h("span.muted.clip");
  const element = h(
    "details.field.negative",
    h("summary", icon("right"), t("task.negative"), words),
    h("label.sr", { for: "negative" }, t("task.negative")),
    input,
  );
  input.id = "negative";
  return named("negative_prompt", element, () => {
    sync();
    setText(words, input.value);
    show(words, Boolean(input.value) && !element.open);
  });
}

function stylesField(fields) {
  const known = fields.style_selections?.items?.enum ?? [];
  const chips = h("div.chips");
  const element = h(
    "div.field",
    h(
      "div.label",
      h("span", t("task.styles")),
      h("span.fill"),
      button({
        label: t("styles.pick"),
        icon: "plus",
        kind: "quiet",
        small: true,
        attrs: { "aria-label": `${t("styles.pick")} – ${t("task.styles")}` },
        onClick: () => pickStyles(known),
      }),
    ),
    chips,
  );
  return named("style_selections", element, () => {
    const chosen = valueOf("style_selections") ?? [];
    keyed(
      chips,
      chosen.length ? chosen : [""],
      (name) => name,
      (name) =>
        name === ""
          ? h("span.muted.small", t("styles.none"))
          : h(
              "button.chip",
              {
                type: "button",
                "aria-label": t("styles.remove", { name }),
                on: {
                  click: () =>
                    setValue(
                      "style_selections",
                      (valueOf("style_selections") ?? []).filter((one) => one !== name),
                    ),
                },
              },
              h("span.clip", name),
              icon("close"),
            ),
    );
  });
}

function sizeField(fields) {
  const options = fields.aspect_ratios_selection?.enum ?? [];
  const input = select([], (value) => setValue("aspect_ratios_selection", value));
  const groups = { square: [], landscape: [], portrait: [] };
  for (const value of options) {
    const [width, height] = value.split(/[*×]/).map(Number);
    groups[width === height ? "square" : width > height ? "landscape" : "portrait"].push(value);
  }
  for (const [name, values] of Object.entries(groups)) {
    if (values.length)
      input.append(
        h(
          "optgroup",
          { label: t(`size.${name}`) },
          values.map((value) => h("option", { value }, sizeWords(value))),
        ),
      );
  }
  return named("aspect_ratios_selection", field(t("task.size"), input), () => choose(input, valueOf("aspect_ratios_selection")));
}

function sizeWords(value) {
  const [width, height] = value.split(/[*×]/).map(Number);
  const divisor = gcd(width, height);
  return `${width} × ${height} (${width / divisor}:${height / divisor})`;
}

function gcd(a, b) {
  return b ? gcd(b, a % b) : a;
}

function numberField(fields) {
  const { minimum = 1, maximum = 32 } = fields.image_number ?? {};
  const input = h("input.input.num", {
    type: "number",
    min: minimum,
    max: maximum,
    step: 1,
    inputmode: "numeric",
    on: {
      input: () => {
        if (input.value) setValue("image_number", input.valueAsNumber);
      },
    },
  });
  const step = (by) => {
    const value = Math.max(minimum, Math.min(maximum, Number(valueOf("image_number") ?? 1) + by));
    setValue("image_number", value);
  };
  const control = h(
    "div.stepper",
    button({ label: t("generate.fewer"), icon: "down", kind: "quiet", compact: true, onClick: () => step(-1) }),
    input,
    button({ label: t("generate.moreImages"), icon: "up", kind: "quiet", compact: true, onClick: () => step(1) }),
  );
  input.id = "image-number";
  const element = h("div.field.number-field", h("div.label", h("label", { for: input.id }, t("task.number"))), control);
  return named("image_number", element, () => {
    const value = valueOf("image_number");
    if (Number(input.value) !== Number(value)) input.value = value ?? "";
  });
}

function seedField() {
  const input = h("input.input.num", {
    type: "text",
    inputmode: "numeric",
    placeholder: t("task.random"),
    autocomplete: "off",
    maxlength: 20,
    spellcheck: "false",
    on: {
      input: () => {
        const text = input.value.trim();
        input.setAttribute("aria-invalid", String(text !== "" && validSeed(text) === null));
        setValue("image_seed", text === "" ? -1 : (validSeed(text) ?? text));
      },
    },
  });
  const dice = button({
    label: t("generate.newSeed"),
    icon: "dice",
    kind: "quiet",
    small: true,
    compact: true,
    onClick: () => setValue("image_seed", String(valueOf("image_seed")) === "-1" ? randomSeed() : -1),
  });
  const element = field(t("task.seed"), input, { after: [h("span.fill"), dice] });
  element.classList.add("seed-field");
  return named("image_seed", element, () => {
    const value = String(valueOf("image_seed") ?? -1);
    const text = value === "-1" ? "" : value;
    if (input.value.trim() !== text) input.value = text;
    dice.title = text ? t("generate.randomSeed") : t("generate.newSeed");
    dice.setAttribute("aria-label", dice.title);
  });
}

function choiceField(name, fields) {
  const input = select(fields[name]?.enum ?? [], (value) => setValue(name, value));
  return named(name, field(labelOf(name, fields[name]), input), () => choose(input, valueOf(name)));
}
