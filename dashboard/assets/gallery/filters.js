/**
 * The filters of the Gallery. Their state is the page's hash, so that a link and the Back button have it.
 * @module
 */
import { h, icon, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { get } from "../core/api.js";
import { button } from "../widgets/parts.js";
import { withMenu } from "../widgets/menu.js";
import { ENDS, isDay } from "./search.js";

const TYPING_MS = 350;

/**
 * Build the line of filters.
 *
 * @param {import("./source.js").Filters} filters
 * @param {(filters: import("./source.js").Filters) => void} onChange
 */
export function buildFilters(filters, onChange) {
  let now = { ...filters };
  let facets = null;
  let timer = 0;
  /** What was typed and is searched for after a pause. */
  let typed = {};
  const change = (patch) => {
    now = Object.fromEntries(Object.entries({ ...now, ...typed, ...patch }).filter(([, value]) => value));
    forget();
    draw();
    onChange(now);
  };
  const forget = () => {
    clearTimeout(timer);
    typed = {};
  };
  const later = (patch) => {
    clearTimeout(timer);
    typed = { ...typed, ...patch };
    timer = window.setTimeout(() => change(typed), TYPING_MS);
  };
  const search = h("input.input", {
    type: "search",
    id: "gallery-search",
    value: now.q ?? "",
    placeholder: t("gallery.search"),
    "aria-label": t("gallery.search"),
    on: {
      input: () => later({ q: search.value.trim() }),
    },
  });
  const star = button({
    label: t("gallery.starred"),
    icon: "star",
    compact: true,
    onClick: () => change({ tag: now.tag === "starred" ? "" : "starred" }),
  });
  const menus = h(
    "div.filter-menus",
    menu("status", t("filter.status"), "statuses", (value) => t(`status.${value}`)),
    menu("source", t("filter.source"), "sources"),
    menu("model", t("filter.model"), "models", (value) => value.replace(/\.(safetensors|ckpt)$/, "")),
    menu("tag", t("filter.tag"), "tags"),
    dates(),
  );
  const clear = button({
    label: t("filter.clear"),
    icon: "close",
    kind: "quiet",
    onClick: () => {
      search.value = "";
      forget();
      change(Object.fromEntries(Object.keys(now).map((name) => [name, ""])));
    },
  });
  const toggle = button({
    label: t("filter.title"),
    icon: "filter",
    onClick: () => {
      element.classList.toggle("open");
    },
    attrs: { class: "button filter-toggle" },
  });
  const element = h(
    "div.filters",
    { role: "search" },
    h("div.filter-search", icon("search"), search),
    star,
    toggle,
    menus,
    clear,
  );

  function menu(name, label, list, words = (value) => value) {
    const anchor = button({ label, attrs: { "data-filter": name } });
    anchor.append(icon("chevron"));
    return withMenu(anchor, () => [
      { label: t("filter.any"), checked: !now[name], onClick: () => change({ [name]: "" }) },
      { line: true },
      ...(facets?.[list] ?? fallback(name)).map(({ value, tasks }) => ({
        label: words(value),
        end: tasks === undefined ? "" : String(tasks),
        checked: now[name] === value ? true : undefined,
        onClick: () => change({ [name]: value }),
      })),
    ]);
  }
  function fallback(name) {
    return name === "status"
      ? ENDS.map((value) => ({ value }))
      : now[name]
        ? [{ value: now[name] }]
        : [];
  }
  function dates() {
    const input = (name) =>
      h("input.input", {
        type: "date",
        value: now[name] ?? "",
        "aria-label": t(`filter.${name}`),
        title: t(`filter.${name}`),
        data: { date: name },
        min: "1970-01-01",
        max: "9999-12-31",
        on: {
          // A year is a date with its first digit: 0002.
          change: ({ target: { value } }) => {
            if (!value || isDay(value)) later({ [name]: value });
            else delete typed[name];
          },
        },
      });
    return h("div.filter-dates", input("from"), h("span.muted", "–"), input("to"));
  }
  /** Show the filters; a date that is being typed is left alone. */
  function draw(isOther = false) {
    for (const anchor of element.querySelectorAll("[data-filter]")) {
      const name = anchor.dataset.filter;
      anchor.setAttribute("aria-pressed", String(Boolean(now[name])));
      const label = t(`filter.${name}`);
      anchor.firstChild.textContent = now[name] ? `${label}: ${name === "status" ? t(`status.${now[name]}`) : now[name]}` : label;
    }
    for (const input of element.querySelectorAll("[data-date]"))
      if ((isOther || input !== document.activeElement) && input.value !== (now[input.dataset.date] ?? ""))
        input.value = now[input.dataset.date] ?? "";
    star.setAttribute("aria-pressed", String(now.tag === "starred"));
    const used = Object.keys(now).length;
    show(clear, used > 0);
    toggle.lastChild.textContent = used ? `${t("filter.title")} ${used}` : t("filter.title");
  }
  draw();
  get("/tasks/facets").then(
    (answer) => {
      facets = answer;
    },
    () => {},
  );
  return {
    element,
    end: forget,
    set(next) {
      forget();
      now = { ...next };
      if (search.value.trim() !== (now.q ?? "")) search.value = now.q ?? "";
      draw(true);
    },
  };
}
