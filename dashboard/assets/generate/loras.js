/**
 * The LoRAs of a request: a file and a weight each.
 * @module
 */
import { h, keyed } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { number } from "../core/format.js";
import { button } from "../widgets/parts.js";
import { choose, select, showProblems } from "./controls.js";
import { setValue, valueOf } from "./draft.js";

/**
 * Build the list.
 *
 * @param {import("./schema.js").Schema} schema
 */
export function loraList({ parts, defaults }) {
  const names = parts.Lora?.properties?.model_name?.enum ?? [];
  const { minimum = -2, maximum = 2 } = parts.Lora?.properties?.weight ?? {};
  const most = Math.max(defaults.loras?.length ?? 5, 1);
  const rows = h("div.loras");
  const adder = button({
    label: t("lora.add"),
    icon: "plus",
    kind: "quiet",
    small: true,
    attrs: { "aria-label": `${t("lora.add")} – LoRA` },
    onClick: () => write([...used(), { enabled: true, model_name: names[1] ?? "None", weight: 0.5 }]),
  });
  const element = h("div.field", { data: { field: "loras" } }, h("div.label", h("span", "LoRA"), h("span.fill"), adder), rows);

  /** The places that hold a file: Fooocus's list has empty ones up to its number. */
  function used() {
    return (valueOf("loras") ?? []).filter((lora) => lora.model_name && lora.model_name !== "None");
  }
  function write(loras) {
    const padded = [...loras];
    while (padded.length < most) padded.push({ enabled: true, model_name: "None", weight: 1 });
    setValue("loras", padded);
  }
  const change = (index, patch) => write(used().map((lora, at) => (at === index ? { ...lora, ...patch } : lora)));

  function row({ index }) {
    const file = select(
      names,
      (value) => change(index, { model_name: value }),
      (value) => (value === "None" ? t("lora.none") : value),
    );
    file.setAttribute("aria-label", t("lora.file", { n: index + 1 }));
    file.classList.add("small");
    const slider = h("input", {
      type: "range",
      min: minimum,
      max: maximum,
      step: 0.05,
      "aria-label": t("lora.weight", { n: index + 1 }),
      on: { input: () => change(index, { weight: slider.valueAsNumber }) },
    });
    const on = h("input", {
      type: "checkbox",
      "aria-label": t("lora.on", { n: index + 1 }),
      on: { change: () => change(index, { enabled: on.checked }) },
    });
    const remove = button({
      label: t("lora.remove", { n: index + 1 }),
      icon: "close",
      kind: "quiet",
      small: true,
      compact: true,
      onClick: () => write(used().filter((_, at) => at !== index)),
    });
    return h("div.lora", on, file, remove, h("span"), h("div.lora-weight", slider, h("output.num")));
  }
  function update(line, { lora }) {
    const [on, slider] = [line.querySelector("[type=checkbox]"), line.querySelector("[type=range]")];
    on.checked = lora.enabled !== false;
    choose(line.querySelector("select"), lora.model_name);
    if (slider.valueAsNumber !== lora.weight) slider.value = lora.weight;
    line.querySelector("output").textContent = number(lora.weight, 2);
  }
  return {
    element,
    sync() {
      const loras = used();
      keyed(
        rows,
        loras.map((lora, index) => ({ lora, index })),
        ({ index }) => String(index),
        row,
        update,
      );
      adder.disabled = loras.length >= most || names.length < 2;
      showProblems(element, "loras");
    },
  };
}
