/**
 * Small parts: buttons, states, notices.
 * @module
 */
import { ApiError } from "../core/api.js";
import { h, icon, uid } from "../core/dom.js";
import { duration } from "../core/format.js";
import { currentLanguage, has, t } from "../i18n/index.js";

/**
 * Return a listener that takes no second event during its work for the first one. The button shows that it is busy; it keeps
 * the focus, which a disabled one would lose.
 *
 * @param {(event: any) => any} action a returned promise lasts as long as the work.
 */
export function oneAtATime(action) {
  let busy = false;
  return (event) => {
    if (busy) {
      event.preventDefault();
      return;
    }
    const button = event.submitter ?? event.currentTarget;
    const work = action(event);
    if (!(work instanceof Promise)) return;
    busy = true;
    button?.setAttribute("aria-busy", "true");
    // Not `then`: an error is still reported.
    void work.finally(() => {
      busy = false;
      button?.removeAttribute("aria-busy");
    });
  };
}

/**
 * Build a button. While a promise that `onClick` returns is open, it takes no further click.
 *
 * @param {{label: string, icon?: string, onClick?: (event: MouseEvent) => any, kind?: string, compact?: boolean, small?: boolean,
 *   disabled?: boolean, keys?: string, attrs?: Record<string, any>}} options `kind`: primary, danger or quiet; `compact` shows the icon
 *   alone, with the label as its name and its tip.
 */
export function button(options) {
  const { label, icon: name, onClick, kind = "", compact = false, small = false, disabled = false, keys, attrs = {} } = options;
  const title = keys ? `${label} (${keys})` : compact ? label : null;
  return h(
    "button.button",
    {
      type: "button",
      class: [kind, small && "small", compact && "square"].filter(Boolean).join(" "),
      title,
      disabled,
      "aria-label": compact ? label : null,
      on: onClick ? { click: oneAtATime(onClick) } : {},
      ...attrs,
    },
    name && icon(name),
    !compact && label,
  );
}

/** Build a link in the form of a button. */
export function linkButton({ label, icon: name, href, kind = "", small = false, compact = false, attrs = {} }) {
  return h(
    "a.button",
    {
      href,
      class: [kind, small && "small", compact && "square"].filter(Boolean).join(" "),
      title: compact ? label : null,
      "aria-label": compact ? label : null,
      ...attrs,
    },
    name && icon(name),
    !compact && label,
  );
}

const STATE_ICONS = {
  pending: "clock",
  running: "dot",
  finished: "check",
  failed: "error",
  stopped: "stop",
  interrupted: "warn",
  waiting: "clock",
  queued: "clock",
  downloading: "download",
  checking: "search",
  done: "check",
  cancelled: "stop",
  paused: "pause",
  ended: "check",
  delivered: "check",
  starting: "clock",
  idle: "check",
  busy: "dot",
  draining: "clock",
  lost: "warn",
  none: "dot",
  succeeded: "check",
};

const TONES = {
  done: "finished",
  delivered: "finished",
  ended: "finished",
  downloading: "running",
  checking: "running",
  starting: "pending",
  full: "failed",
  draining: "pending",
  idle: "finished",
  busy: "running",
  lost: "failed",
};

/** Build a task's state: a glyph and a word, never a colour alone. */
export function stateLabel(status) {
  return h("span.state", { class: TONES[status] ?? status }, icon(STATE_ICONS[status] ?? "dot"), t(`status.${status}`));
}

export const stateIcon = (status) => STATE_ICONS[status] ?? "dot";

/** Build what is shown in place of an empty list: one sentence, and what to do. */
export function empty(name, title, text = "", ...actions) {
  return h("div.empty", icon(name), h("strong", title), text && h("p", text), actions.length > 0 && h("div.buttons", actions));
}

/**
 * Build a notice of an error, with a button that tries again.
 *
 * @param {any} error
 * @param {() => void} [again]
 */
export function failure(error, again) {
  return h(
    "div.notice.bad",
    { role: "alert" },
    icon("error"),
    h(
      "div",
      h("strong", error instanceof ApiError && error.title && !isTranslated(error) ? error.title : t("error.title")),
      h("p", errorText(error)),
      again && h("p", button({ label: t("action.retry"), small: true, onClick: again })),
    ),
  );
}

/** Return an error in words: the API's own, which name a remedy. */
export function errorText(error) {
  if (!(error instanceof ApiError)) return String(error?.message ?? error);
  if (error.isOffline) return t("error.offline");
  if (error.status === 403 && error.problem.scope) return t("error.scope", { scope: error.problem.scope });
  const wait = error.retryAfter ? ` ${t("error.retryAfter", { t: duration(error.retryAfter) })}` : "";
  const text = error.message || t("error.status", { n: error.status });
  // The server speaks English: for other readers its code is translated, and its own words, which name the details, stand behind.
  if (isTranslated(error)) return t("error.detail", { text: t(`code.${error.code}`) + wait, detail: text });
  return SAYS_WHEN.test(text) ? text : text + wait;
}

const SAYS_WHEN = /\bagain in\b/i;
const isTranslated = ({ code }) => currentLanguage() !== "en" && has(`code.${code}`);

/** Build grey lines that stand for what is loading. */
export function skeleton(lines = 3, height = 14) {
  return h(
    "div.skeletons",
    { "aria-hidden": "true" },
    Array.from({ length: lines }, () => h("div.skeleton", { vars: { height: `${height}px`, "margin-block": "10px" } })),
  );
}

/** Build a progress bar; `set` gives it its value. */
export function progressBar(label) {
  const fill = h("i");
  const element = h("div.bar", { role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  return {
    element,
    /** @param {number | null} percent null while unknown. */
    set(percent) {
      fill.style.setProperty("--share", String(percent ?? 0));
      if (percent === null) element.removeAttribute("aria-valuenow");
      else element.setAttribute("aria-valuenow", String(Math.round(percent)));
    },
  };
}

/**
 * Build a field: its label, the control and its hint, connected for screen readers.
 *
 * @param {string} label
 * @param {HTMLElement} control
 * @param {{hint?: string, after?: any}} [options] `after` stands at the end of the label's line.
 */
export function field(label, control, { hint = "", after = null } = {}) {
  control.id ||= uid("f");
  const note = hint ? h("div.hint", { id: `${control.id}-hint` }, hint) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div.field", h("div.label", h("label", { for: control.id }, label), after), control, note);
}

/**
 * Build a group of radio buttons that looks like one control.
 *
 * @param {string} label
 * @param {{value: string, label: string}[]} options
 * @param {string} value
 * @param {(value: string) => void} onChange
 */
export function segments(label, options, value, onChange) {
  const name = uid("seg");
  return h(
    "div.segments",
    { role: "radiogroup", "aria-label": label },
    options.map((option) =>
      h(
        "label",
        h("input", {
          type: "radio",
          name,
          value: option.value,
          checked: option.value === value,
          on: { change: () => onChange(option.value) },
        }),
        h("span", option.label),
      ),
    ),
  );
}
