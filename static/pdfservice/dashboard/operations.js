// Operations on the page, all through the public API.

import { numbered, runMark, Samples } from "./documents.js";
import { Spike } from "./spike.js";
import { SpikeView } from "./spike_view.js";
import { count, element, milliseconds } from "./text.js";

const AT_ONCE = 8;
const POLL_MS = 700;

export function operate({ api, figures, start }) {
  const root = document.getElementById("operations");
  const samples = new Samples(api, start.templates);
  const context = { api, figures, start, samples, root };
  tabs(root);
  fillTemplates(root, start.templates);
  document.getElementById("spike-limit").textContent = `${count(start.limit)} jobs`;
  const makers = { document: makeDocument, batch: makeBatch, burst: makeBurst, spike: makeSpike };
  for (const form of root.querySelectorAll("[data-operation]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      run(form, () => makers[form.dataset.operation](context, form));
    });
  }
  prepareDocument(context);
}

// One thing at a time for each form; what goes wrong is said beneath it.
async function run(form, work) {
  const outcome = form.closest('[role="tabpanel"]').querySelector(".outcome");
  const button = form.querySelector("button:not([type=button])");
  if (button.disabled) return;
  button.disabled = true;
  tell(outcome, "");
  try {
    await work();
  } catch (error) {
    tell(outcome, error.message, "bad");
  } finally {
    button.disabled = false;
  }
}

function tell(place, text, kind = "", ...nodes) {
  place.className = `outcome ${kind}`;
  place.replaceChildren(text, ...nodes);
}

const outcomeOf = (form) => form.closest('[role="tabpanel"]').querySelector(".outcome");
const wishesOf = (form) => Object.fromEntries(new FormData(form));
const linkTo = (job) => element("a", { href: `/dashboard/jobs/${job}` }, `job ${job.slice(0, 8)}`);

function tabs(root) {
  const all = [...root.querySelectorAll('[role="tab"]')];
  const choose = (tab) => {
    for (const each of all) {
      const isChosen = each === tab;
      each.setAttribute("aria-selected", String(isChosen));
      each.tabIndex = isChosen ? 0 : -1;
      document.getElementById(each.getAttribute("aria-controls")).hidden = !isChosen;
    }
  };
  all.forEach((tab, place) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = all[(place + step + all.length) % all.length];
      choose(next);
      next.focus();
    });
  });
}

function fillTemplates(root, templates) {
  for (const select of root.querySelectorAll("[data-templates]")) {
    const wanted = templates.filter((each) => each.slug.includes(select.dataset.templates || ""));
    select.append(...wanted.map((each) => element("option", { value: each.slug }, `${each.slug} (${each.engine})`)));
  }
}

// --- One document
function prepareDocument(context) {
  const form = context.root.querySelector('[data-operation="document"]');
  const fill = async () => {
    form.payload.value = JSON.stringify(await context.samples.of(form.template.value), null, 2);
  };
  form.template.addEventListener("change", fill);
  let isFilled = false;
  context.root.addEventListener("toggle", () => {
    if (!isFilled && form.template.value) fill();
    isFilled = true;
  });
  for (const button of form.querySelectorAll("[data-quick]")) {
    const found = context.start.templates.find((each) => each.slug.includes(button.dataset.quick));
    if (!found) continue;
    button.hidden = false;
    button.addEventListener("click", () => run(form, async () => {
      const payload = await context.samples.fresh(found.slug, runMark());
      await submit(context, form, found.slug, payload);
    }));
  }
}

function makeDocument(context, form) {
  return submit(context, form, form.template.value, JSON.parse(form.payload.value));
}

async function submit({ api }, form, template, payload) {
  const began = performance.now();
  const body = { template, payload, priority: Number(form.priority.value) };
  const job = await api.post("/pdf/generate", body, { Prefer: "wait=20" });
  const kind = { done: "good", failed: "bad" }[job.status] ?? "";
  const took = job.deduplicated ? "an equal one was there already" : `in ${milliseconds(Math.round(performance.now() - began))}`;
  const words = { done: `Done, ${took}: `, failed: `Failed: ${job.error?.message ?? ""} ` }[job.status] ?? `${job.status}: `;
  tell(outcomeOf(form), words, kind, linkTo(job.id));
}

// --- Many in one request
async function makeBatch({ api, samples }, form) {
  const { template, output, priority, count: wanted } = wishesOf(form);
  const sample = await samples.of(template);
  const mark = runMark();
  const items = Array.from({ length: Number(wanted) }, (_, place) => ({ payload: numbered(sample, `${mark}-${place + 1}`), reference: String(place + 1) }));
  let batch = await api.post("/pdf/batches", { template, output, priority: Number(priority), items });
  const place = outcomeOf(form);
  while (batch.status === "queued" || batch.status === "processing") {
    tell(place, `${batch.status}: ${count(batch.counts.done)} of ${count(batch.total)} done`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    batch = await api.get(`/pdf/batches/${batch.id}`);
  }
  const words = `${batch.status}: ${count(batch.counts.done)} done, ${count(batch.counts.failed)} failed. `;
  const file = batch.file_url ? element("a", { href: `/dashboard/jobs/${batch.bundle_job_id}` }, "The one file") : "";
  tell(place, words, batch.status === "done" ? "good" : "bad", file);
}

// --- Many requests at once
async function makeBurst({ api, samples }, form) {
  const { template, priority, count: wanted } = wishesOf(form);
  const sample = await samples.of(template);
  const mark = runMark();
  const began = performance.now();
  let next = 0;
  let accepted = 0;
  let refused = 0;
  const caller = async () => {
    while (next < Number(wanted)) {
      const payload = numbered(sample, `${mark}-${(next += 1)}`);
      try {
        await api.post("/pdf/generate", { template, payload, priority: Number(priority) });
        accepted += 1;
      } catch (error) {
        if (error.status !== 429) throw error;
        refused += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  const took = milliseconds(Math.round(performance.now() - began));
  tell(outcomeOf(form), `${count(accepted)} accepted, ${count(refused)} refused (429), in ${took}.`, refused ? "" : "good");
}

// --- The month's end
async function makeSpike({ api, figures, samples, root }, form) {
  const { template, count: wanted } = wishesOf(form);
  const stop = root.querySelector("[data-stop]");
  const spike = new Spike({ api, template, total: Number(wanted), sample: await samples.of(template) });
  const view = new SpikeView(spike, figures);
  const halt = () => spike.stop();
  const warn = (event) => event.preventDefault();
  stop.hidden = false;
  stop.addEventListener("click", halt);
  addEventListener("beforeunload", warn);
  try {
    view.end(await spike.run());
  } finally {
    view.close();
    stop.hidden = true;
    stop.removeEventListener("click", halt);
    removeEventListener("beforeunload", warn);
  }
}
