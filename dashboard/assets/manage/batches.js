/**
 * Batches: their rows by state, the reason of a pause, and what stops, continues and repeats them.
 * @module
 */
import { cleanups, throttled } from "../core/store.js";
import { dateTime, left } from "../core/format.js";
import { fill, h, icon, keyed, setText, show } from "../core/dom.js";
import { number, t } from "../i18n/index.js";
import { ApiError, get, request } from "../core/api.js";
import { can } from "../core/session.js";
import { address } from "../core/paths.js";
import { on } from "../live/live.js";
import { hash } from "../core/router.js";
import { button, empty, failure, linkButton, skeleton, stateLabel } from "../widgets/parts.js";
import { confirm } from "../widgets/dialog.js";
import { noteError } from "../widgets/notes.js";

const PAGE = 50;

/** Fill the page. */
export function mount(root, route) {
  const ends = cleanups();
  const open = route.rest[0] ?? "";
  const count = h("span.muted.num");
  const list = h("div.batch-list");
  const place = h("div", skeleton(4, 40));
  let pages = 1;
  /** True once the batch of the address was brought into view. */
  let revealed = false;
  const more = button({
    label: t("action.more"),
    onClick: () => {
      pages += 1;
      void load();
    },
  });
  root.append(h("div.page-head", h("h1", t("nav.batches")), count), place);

  /** Read a batch, null if there is none of this id. */
  async function one(id) {
    try {
      return await get(`/v1/batches/${encodeURIComponent(id)}`);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  /** Read the shown pages. A batch that moves to the next page while they are read is shown once. */
  async function read() {
    const found = new Map();
    let total = 0;
    for (let page = 0; page < pages; page += 1) {
      const answer = await get("/v1/batches", { page, page_size: PAGE });
      total = answer.total;
      for (const batch of answer.batches) found.set(batch.batch_id, batch);
      if (answer.batches.length < PAGE) break;
    }
    const batches = [...found.values()];
    // An older one that a link leads to.
    const linked = open && !found.has(open) ? await one(open) : null;
    return { batches: linked ? [linked, ...batches] : batches, total };
  }

  async function load() {
    try {
      const { batches, total } = await read();
      setText(count, total || "");
      if (!batches.length) {
        fill(place, h("section.panel", empty("batches", t("batches.empty"), t("batches.emptyText"))));
        return;
      }
      keyed(
        list,
        batches,
        (batch) => batch.batch_id,
        (batch) => card(batch.batch_id),
        (element, batch) => element.update(batch),
      );
      fill(place, list, total > batches.length && h("div.buttons.center", more));
      const linked = list.querySelector(".batch.open");
      if (linked && !revealed) {
        revealed = true;
        linked.scrollIntoView({ block: "center" });
      }
    } catch (error) {
      fill(place, failure(error, load));
    }
  }

  function card(id) {
    const state = h("span");
    const title = h("a.mono", { href: hash(["batches", id]) }, id.slice(0, 8));
    const facts = h("span.muted.small");
    const bar = h("div.stack", { "aria-hidden": "true" });
    const counts = h("div.chips.num");
    const pause = h("div.notice.warn", { hidden: true }, icon("pause"), h("span"));
    const failures = h("details", { hidden: true }, h("summary"), h("div.table"));
    const act = (path, query) => () => request("POST", `/v1/batches/${id}/${path}`, { query }).then(load, noteError);
    const stop = button({ label: t("batches.stop"), icon: "pause", small: true, onClick: act("stop") });
    const resume = button({ label: t("batches.resume"), icon: "play", small: true, onClick: act("resume") });
    const retry = button({ label: t("batches.retry"), icon: "again", small: true, onClick: act("retry") });
    const erase = button({ label: t("action.delete"), icon: "trash", kind: "danger", small: true, onClick: remove });
    async function remove() {
      const agreed = await confirm({
        title: t("batches.deleteTitle"),
        text: t("batches.deleteText"),
        action: t("action.delete"),
        danger: true,
      });
      if (agreed) await request("DELETE", `/v1/batches/${id}`).then(load, noteError);
    }
    const element = h(
      "section.panel.batch",
      { class: id === open ? "open" : "" },
      h(
        "header",
        state,
        title,
        facts,
        h("div.fill"),
        h(
          "div.buttons",
          can("generate") && [stop, resume, retry],
          linkButton({
            label: t("batches.archive"),
            icon: "download",
            small: true,
            href: address(`/v1/batches/${id}/archive.zip`),
            attrs: { download: "" },
          }),
          linkButton({
            label: t("batches.results"),
            icon: "download",
            small: true,
            href: address(`/v1/batches/${id}/results`),
            attrs: { download: `${id}.jsonl` },
          }),
          can("control") && erase,
        ),
      ),
      h("div.body", bar, counts, pause, failures),
    );
    failures.addEventListener("toggle", async () => {
      if (!failures.open) return;
      const batch = await get(`/v1/batches/${id}`).catch(() => null);
      fill(
        failures.lastElementChild,
        h(
          "table.small",
          h("thead", h("tr", h("th", t("batches.row")), h("th", "ID"), h("th", t("error.title")))),
          h(
            "tbody",
            (batch?.failures ?? []).map((row) =>
              h(
                "tr",
                h("td", row.row),
                h("td", row.task_id ? h("a", { href: hash(["task", row.task_id]) }, row.custom_id) : row.custom_id),
                h("td", row.error?.message ?? ""),
              ),
            ),
          ),
        ),
      );
    });
    return Object.assign(element, {
      update(batch) {
        const { counts: numbers, status } = batch;
        fill(state, stateLabel(status));
        setText(
          facts,
          [
            batch.source,
            dateTime(batch.created_mills),
            batch.eta_seconds !== null && status !== "ended" && t("queue.eta", { t: left(batch.eta_seconds) }),
          ]
            .filter(Boolean)
            .join(" · "),
        );
        const parts = ["succeeded", "running", "queued", "waiting", "failed", "cancelled"].filter((name) => numbers[name]);
        fill(
          bar,
          parts.map((name) => h("i", { class: name, vars: { "--share": String((numbers[name] / (numbers.total || 1)) * 100) } })),
        );
        fill(
          counts,
          h("b", t("batches.rows", { n: numbers.total })),
          parts.map((name) => h("span.batch-count", h("i", { class: name }), `${t(`batches.${name}`)} ${number(numbers[name])}`)),
        );
        show(pause, Boolean(batch.pause));
        setText(pause.lastChild, batch.pause?.reason ?? "");
        show(failures, numbers.failed > 0);
        setText(failures.firstChild, t("batches.failures", { n: numbers.failed }));
        show(stop, status === "running" || status === "paused");
        show(resume, status === "stopped");
        show(retry, numbers.failed > 0);
      },
    });
  }
  const soon = throttled(load, 1500);
  ends.add(on("finished", soon), on("failed", soon), on("started", soon), on("queue", soon), on("reload", soon));
  void load();
  return ends.end;
}
