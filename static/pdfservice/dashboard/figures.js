// The numbers: what the server painted, brought up to date by what changed.

import { plot } from "./plot.js";
import { age, count, element, milliseconds, shortMilliseconds } from "./text.js";

const MINUTES = 60;

export class Figures {
  constructor({ view, columns }) {
    this.view = view;
    this.columns = columns;
    this.listeners = [];
    this.paint(Object.keys(view));
    setInterval(() => this.paint(["workers"]), 1000);
    setInterval(() => this.paint(["minutes"]), 10_000);
    new ResizeObserver(() => this.plots()).observe(document.querySelector(".plots"));
  }

  replace(view) {
    this.view = view;
    this.paint(Object.keys(view));
  }

  apply(changes) {
    for (const [section, values] of Object.entries(changes)) {
      for (const [name, value] of Object.entries(values)) {
        // In the numbers of now, nothing is a value too: no median while nothing was made.
        if (value === null && section !== "now") delete this.view[section][name];
        else this.view[section][name] = value;
      }
    }
    this.paint(Object.keys(changes));
  }

  // Calls `listener` with the numbers of now whenever they may have changed.
  follow(listener) {
    this.listeners.push(listener);
    return () => (this.listeners = this.listeners.filter((each) => each !== listener));
  }

  paint(sections) {
    if (sections.includes("now")) this.numbers();
    if (sections.includes("minutes")) this.plots();
    if (sections.includes("workers")) this.workers();
    if (sections.includes("templates")) this.templates();
    for (const listener of this.listeners) listener(this.view.now);
  }

  numbers() {
    for (const each of document.querySelectorAll('[data-section="now"] [data-value]')) {
      write(each, count(this.view.now[each.dataset.value]));
    }
    for (const each of document.querySelectorAll('[data-section="now"] [data-ms]')) {
      write(each, milliseconds(this.view.now[each.dataset.ms]));
    }
    document.querySelector('[data-alarm="failed"]').classList.toggle("alarm", this.view.now.failed > 0);
  }

  column(name, nothing) {
    const place = this.columns.indexOf(name);
    const last = Math.floor(Date.now() / 60_000);
    return Array.from({ length: MINUTES }, (_, back) => {
      const minute = this.view.minutes[last - MINUTES + 1 + back];
      return minute ? minute[place] : nothing;
    });
  }

  plots() {
    const now = this.view.now;
    const done = this.column("done", 0);
    const host = (name) => document.getElementById(`plot-${name}`);
    plot(host("depth"), {
      label: `Queue depth in the last hour, now ${now.depth}`,
      format: count,
      series: [{ values: this.column("depth", 0), isArea: true }],
    });
    plot(host("done"), {
      label: `Documents per minute in the last hour: ${now.done} done, ${now.failed} failed`,
      format: count,
      series: [
        { values: done, isBars: true },
        { values: this.column("failed", 0), below: done, isBars: true, className: "failed" },
      ],
    });
    for (const name of ["wait", "render"]) {
      plot(host(name), {
        label: `${name === "wait" ? "Queue wait" : "Render time"}: median ${milliseconds(now[`${name}_p50`])}, p95 ${milliseconds(now[`${name}_p95`])}`,
        format: shortMilliseconds,
        series: [
          { values: this.column(`${name}_p95`, null) },
          { values: this.column(`${name}_p50`, null), className: "mid" },
        ],
      });
    }
  }

  workers() {
    const list = document.getElementById("workers");
    const workers = Object.entries(this.view.workers);
    const known = new Map([...list.children].map((item) => [item.dataset.key, item]));
    for (const [key, worker] of workers) {
      const item = known.get(key) ?? list.appendChild(element("li", { "data-key": key }));
      known.delete(key);
      const text = `${worker.name}|${worker.memory_mb}|${age(worker.since)}|${doing(worker.task)}`;
      if (item.dataset.text === text) continue;
      item.dataset.text = text;
      item.classList.toggle("busy", worker.task !== null);
      item.replaceChildren(
        element("b", {}, worker.name),
        element("span", { className: "soft" }, `${count(worker.memory_mb)} MB · up ${age(worker.since)}`),
        element("span", { className: "doing" }, ...doingNodes(worker.task)),
      );
    }
    for (const item of known.values()) item.remove();
    write(document.getElementById("workers-count"), String(workers.length));
    document.getElementById("workers-empty").hidden = workers.length > 0;
  }

  templates() {
    const rows = Object.entries(this.view.templates).map(([slug, each]) => element("tr", {},
      element("th", { scope: "row" }, slug),
      ...[count(each.done), count(each.failed), count(each.pages), milliseconds(each.render_p50), milliseconds(each.render_p95)]
        .map((text) => element("td", {}, text))));
    document.getElementById("templates").replaceChildren(...rows);
    document.getElementById("templates-empty").hidden = rows.length > 0;
  }
}

function doing(task) {
  if (task === null) return "idle";
  if (task.is_other) return "works for another team";
  return `${task.team ? `${task.team} / ` : ""}${task.template || task.kind} for ${age(task.since)}${task.attempt > 1 ? `, attempt ${task.attempt}` : ""}`;
}

function doingNodes(task) {
  const text = doing(task);
  if (task === null || task.is_other || task.kind === "expand") return [task?.kind === "expand" ? "takes in a batch" : text];
  return [element("a", { href: `/dashboard/jobs/${task.job}` }, text)];
}

function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
