/**
 * The overview: the running task, the queue, the latest images, and next to them the panel that generates.
 * @module
 */
import { cleanups } from "../core/store.js";
import { h, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { can } from "../core/session.js";
import { prefs } from "../core/prefs.js";
import { generatePanel } from "../generate/panel.js";
import { latestStrip } from "./latest.js";
import { queuePanel } from "./queue.js";
import { runningPanel } from "./running.js";
import { todayPanel } from "./today.js";
import { button } from "../widgets/parts.js";

/** Fill the page. */
export function mount(root) {
  const ends = cleanups();
  const columns = h("div.overview");
  const side = h("div.overview-side");
  if (can("generate")) {
    const panel = generatePanel({ narrow: true });
    ends.add(panel.end);
    side.append(panel.element);
    const opener = button({
      label: t("generate.open"),
      icon: "panel",
      kind: "quiet",
      compact: true,
      onClick: () => prefs.set({ panel: true }),
      attrs: { id: "open-panel" },
    });
    ends.add(
      prefs.watch((value) => {
        show(side, value.panel);
        show(opener, !value.panel);
        columns.classList.toggle("wide", !value.panel);
      }),
    );
    columns.append(side, opener);
  } else columns.classList.add("wide");
  columns.append(
    h("div.overview-main", runningPanel(ends), queuePanel(ends), latestStrip(ends), can("read-all") && todayPanel(ends)),
  );
  root.append(h("h1.sr", t("nav.overview")), columns);
  return ends.end;
}
