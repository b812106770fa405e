// Jobs as they change state: a row for each, the latest on top.

import { actionName, count, element, milliseconds, timeOfDay } from "./text.js";

const SHOWN = 60;
// Steps that do not change what a job's row shows as its state.
const QUIET = new Set(["job.cancel_requested", "job.erased"]);

export class Stream {
  constructor(events) {
    this.body = document.getElementById("stream");
    this.jobs = new Map();
    this.changes = 0;
    this.isPaused = false;
    const pause = document.getElementById("pause");
    pause.hidden = false;
    pause.addEventListener("click", () => {
      this.isPaused = !this.isPaused;
      pause.setAttribute("aria-pressed", String(this.isPaused));
      pause.textContent = this.isPaused ? "Go on" : "Pause";
      if (!this.isPaused) this.paint();
    });
    for (const each of events) this.note(each);
    this.paint();
  }

  anew() {
    this.jobs.clear();
  }

  add(events) {
    if (!events.length) return;
    for (const each of events) this.note(each);
    this.changes += events.length;
    this.schedule();
  }

  note(event) {
    const job = this.jobs.get(event.subject) ?? { events: 0 };
    if (!QUIET.has(event.action)) job.state = actionName(event.action);
    job.events += 1;
    job.at = event.at;
    job.last = event;
    job.waited = event.waited_ms ?? job.waited;
    job.rendered = event.render_ms ?? job.rendered;
    job.code = event.action === "job.done" ? null : (event.code ?? job.code);
    // Moved to the end: the order of a Map is that of its insertions.
    this.jobs.delete(event.subject);
    this.jobs.set(event.subject, job);
    if (this.jobs.size > 4 * SHOWN) this.jobs = new Map([...this.jobs].slice(-2 * SHOWN));
  }

  // However many events come, rows are painted once a frame; a page in the background paints when it is looked at.
  schedule() {
    if (this.isPaused || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      this.paint();
    });
  }

  paint() {
    document.getElementById("seen").textContent = this.changes ? `${count(this.changes)} changes since you opened this page` : "";
    document.getElementById("stream-empty").hidden = this.jobs.size > 0;
    const wanted = [...this.jobs].slice(-SHOWN).reverse();
    const known = new Map([...this.body.children].map((row) => [row.dataset.job, row]));
    let place = this.body.firstChild;
    for (const [id, job] of wanted) {
      const old = known.get(id);
      known.delete(id);
      const row = old && old.dataset.events === String(job.events) ? old : rowOf(id, job);
      if (old && row !== old) {
        if (place === old) place = old.nextSibling;
        // Whoever stands on a row with the keyboard stays on it.
        const hadFocus = old.contains(document.activeElement);
        old.remove();
        this.body.insertBefore(row, place);
        if (hadFocus) row.querySelector("a")?.focus();
      } else if (row === place) {
        place = place.nextSibling;
      } else {
        this.body.insertBefore(row, place);
      }
    }
    for (const row of known.values()) row.remove();
  }
}

function rowOf(id, job) {
  const event = job.last;
  const isBatch = event.kind === "batch";
  const name = isBatch ? `Batch${event.total ? ` of ${count(event.total)}` : ""}` : event.template || event.kind;
  const title = event.team ? `${event.team} / ${name}` : name;
  const short = element("span", { className: "soft" }, ` ${id.slice(0, 8)}`);
  const code = job.code ? element("span", { className: "alarm" }, ` ${job.code}`) : null;
  return element("tr", { "data-job": id, "data-events": String(job.events), "data-state": job.state },
    element("td", {}, element("span", { className: `state ${job.state?.split(" ")[0] ?? ""}` }, job.state ?? "")),
    element("td", {}, isBatch ? title : element("a", { href: `/dashboard/jobs/${id}` }, title), short, code),
    element("td", { className: "wide" }, job.waited === undefined ? "" : milliseconds(job.waited)),
    element("td", { className: "wide" }, job.rendered === undefined ? "" : milliseconds(job.rendered)),
    element("td", { className: "soft" }, timeOfDay(job.at)));
}
