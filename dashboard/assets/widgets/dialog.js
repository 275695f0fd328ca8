/**
 * Dialogs, by the element that keeps the focus inside and closes on Esc.
 * @module
 */
import { h } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { button } from "./parts.js";

/**
 * Open a dialog. It belongs to the page that opened it, and closes with it.
 *
 * @param {{title: string, body: any, footer?: any, width?: number, className?: string, stays?: boolean, leave?: () => void,
 *   onClose?: () => void}} options `stays`: it is still there on another page. `leave` is called for Esc in place of closing it,
 *   and a click on the backdrop does nothing then: there is something to lose.
 * @returns {{element: HTMLDialogElement, close: () => void}}
 */
export function openDialog({ title, body, footer, width = 480, className = "", stays = false, leave, onClose }) {
  const before = document.activeElement;
  const id = `dialog-${Date.now()}`;
  const content = h("div.body", body);
  const element = h(
    "dialog",
    { class: className, "aria-labelledby": id, vars: { "--width": `${width}px` } },
    h(
      "header",
      h("h2", { id }, title),
      button({ label: t("action.close"), icon: "close", kind: "quiet", compact: true, onClick: () => element.close() }),
    ),
    content,
    footer && h("footer", footer),
  );
  const close = () => element.close();
  if (!stays) window.addEventListener("hashchange", close);
  element.addEventListener("close", () => {
    window.removeEventListener("hashchange", close);
    element.remove();
    onClose?.();
    if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
  });
  // A click on the backdrop is one on the dialog itself, as its parts cover all of it.
  let pressed = false;
  element.addEventListener("pointerdown", (event) => {
    pressed = event.target === element;
  });
  element.addEventListener("click", (event) => !leave && pressed && event.target === element && close());
  if (leave) {
    const ask = (event) => {
      event.preventDefault();
      leave();
    };
    // A browser closes it at the second Esc without `cancel`, unless the key itself is taken.
    element.addEventListener("keydown", (event) => event.key === "Escape" && ask(event));
    element.addEventListener("cancel", (event) => event.target === element && ask(event));
  }
  document.body.append(element);
  element.showModal();
  // Keys scroll what has the focus, or something in it that has.
  if (content.scrollHeight > content.clientHeight && !content.querySelector("a[href], button, input, select, textarea"))
    content.tabIndex = 0;
  return { element, close };
}

/**
 * Ask a question. The answer is true if the reader agrees.
 *
 * @param {{title: string, text: string, action: string, danger?: boolean, careful?: boolean}} options `careful`: Enter cancels. It is
 *   for a question that a reader may not expect, about what can't be had again.
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, action, danger = false, careful = false }) {
  return new Promise((resolve) => {
    let agreed = false;
    const { close } = openDialog({
      title,
      body: h("p", text),
      width: 420,
      onClose: () => resolve(agreed),
      footer: [
        button({ label: t("action.cancel"), attrs: { autofocus: careful }, onClick: () => close() }),
        button({
          label: action,
          kind: danger ? "primary danger" : "primary",
          attrs: { autofocus: !careful },
          onClick: () => {
            agreed = true;
            close();
          },
        }),
      ],
    });
  });
}

/** Ask for a line of text. The answer is null if the reader gives none. */
export function ask({ title, label, action, value = "", hint = "", list = [] }) {
  return new Promise((resolve) => {
    let answer = null;
    const choices = list.length
      ? h(
          "datalist",
          { id: "ask-list" },
          list.map((one) => h("option", { value: one })),
        )
      : null;
    const input = h("input.input", {
      value,
      id: "ask-input",
      list: choices ? "ask-list" : null,
      autofocus: true,
      autocomplete: "off",
    });
    const form = h(
      "form.field",
      {
        id: "ask-form",
        on: {
          submit: (event) => {
            event.preventDefault();
            answer = input.value;
            close();
          },
        },
      },
      h("label", { for: "ask-input" }, label),
      input,
      choices,
      hint && h("div.hint", hint),
    );
    const { close } = openDialog({
      title,
      body: form,
      width: 420,
      onClose: () => resolve(answer),
      footer: [
        button({ label: t("action.cancel"), onClick: () => close() }),
        h("button.button.primary", { type: "submit", form: "ask-form" }, action),
      ],
    });
  });
}
