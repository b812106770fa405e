// A month's end, through the public API: batches that grow, duplicates, poison, urgent documents in between. Refusals are
// counted and obeyed. In the end every document is asked for: none may be lost, none made twice.

import { numbered, runMark } from "./documents.js";

const FIRST_WAVE = 20;
const GROWTH = 30;
const LARGEST_WAVE = 500;
const DUPLICATES = 0.05;
const POISON = 0.005;
const BULK_PRIORITY = 8;
const URGENT_PRIORITY = 1;
const URGENT_EVERY_MS = 1500;
const WAVE_PAUSE_MS = 120;
const POLL_MS = 600;
const POLLED_AT_ONCE = 4;
const KEPT_SECONDS = 3600;
const OPEN = ["queued", "processing"];

// What the documents are: `same` names the payload, `isPoison` says that it cannot be made.
export function plan(total, sample, mark) {
  const documents = [];
  const poison = Math.max(2, Math.round(total * POISON));
  const every = Math.floor(total / poison);
  for (let place = 0; place < total; place += 1) {
    const isPoison = place % every === every - 1 && documents.filter((each) => each.isPoison).length < poison;
    const earlier = documents.length ? documents[Math.floor(Math.random() * documents.length)] : null;
    if (isPoison) documents.push({ same: `${mark}-${place}`, isPoison, payload: poisoned(sample) });
    else if (earlier && !earlier.isPoison && Math.random() < DUPLICATES) documents.push({ ...earlier });
    else documents.push({ same: `${mark}-${place}`, isPoison, payload: numbered(sample, `${mark}-${place}`) });
  }
  return documents;
}

// An invoice without its lines fits no schema and fills no template.
function poisoned(sample) {
  const { items, rows, ...rest } = sample;
  return { ...rest, rows: "many", items: "none" };
}

export class Spike {
  constructor({ api, template, total, sample }) {
    Object.assign(this, { api, template, total, sample });
    this.mark = runMark();
    this.documents = plan(total, sample, this.mark);
    this.batches = [];
    this.refusals = [];
    this.urgent = [];
    this.sent = 0;
    this.accepted = 0;
    this.repeated = 0;
    this.ended = 0;
    this.isStopped = false;
    this.isSending = false;
  }

  get seconds() {
    return ((this.endedAt ?? performance.now()) - this.beganAt) / 1000 || 0;
  }

  async run() {
    this.beganAt = performance.now();
    this.isSending = true;
    const urgent = this.sendUrgent();
    const polled = this.pollBatches();
    try {
      await this.sendWaves();
    } finally {
      this.isSending = false;
    }
    await Promise.all([polled, urgent]);
    this.endedAt = performance.now();
    return this.judge();
  }

  async stop() {
    this.isStopped = true;
    const open = this.batches.filter((each) => OPEN.includes(each.status));
    await Promise.allSettled(open.map((each) => this.api.post(`/pdf/batches/${each.id}/cancel`)));
  }

  async sendWaves() {
    let size = FIRST_WAVE;
    for (let from = 0; from < this.total && !this.isStopped; size = Math.min(LARGEST_WAVE, size + GROWTH)) {
      const wave = this.documents.slice(from, from + size).map((each, place) => ({ ...each, place: from + place }));
      await this.sendWave(wave);
      from += wave.length;
      await pause(WAVE_PAUSE_MS);
    }
  }

  async sendWave(wave) {
    this.sent += wave.length;
    const body = {
      template: this.template,
      priority: BULK_PRIORITY,
      output: "separate",
      expires_in: KEPT_SECONDS,
      items: wave.map((each) => ({ payload: each.payload, reference: String(each.place) })),
    };
    // The same key however often it is sent: an answer that was lost costs nothing.
    const headers = { "Idempotency-Key": `spike-${this.mark}-${wave[0].place}-${wave.length}` };
    let batch;
    try {
      batch = await this.insist(() => this.api.post("/pdf/batches", body, headers));
    } catch (error) {
      if (error.status !== 413 || wave.length === 1) throw error;
      // More than the team's queue ever holds.
      this.sent -= wave.length;
      const half = Math.ceil(wave.length / 2);
      await this.sendWave(wave.slice(0, half));
      await this.sendWave(wave.slice(half));
      return;
    }
    if (!batch) {
      this.sent -= wave.length;
      return;
    }
    this.accepted += wave.length;
    this.batches.push({ id: batch.id, status: batch.status, size: wave.length, counts: batch.counts });
  }

  // Tries until it is accepted, as often and as late as the service says; null when somebody stopped the spike.
  async insist(send) {
    while (!this.isStopped) {
      try {
        return await send();
      } catch (error) {
        if (error.status === 429) this.refusals.push(this.seconds);
        else if (error.status === undefined || error.status === 503) this.repeated += 1;
        else throw error;
        await this.rest((error.retryAfter ?? 1) * 1000);
      }
    }
    return null;
  }

  async rest(milliseconds) {
    const until = performance.now() + milliseconds;
    while (!this.isStopped && performance.now() < until) await pause(Math.min(200, until - performance.now()));
  }

  // Documents that somebody waits for, while thousands stand in line.
  async sendUrgent() {
    const waiting = [];
    for (let number = 1; !this.isStopped && (this.isSending || this.isOpen()); number += 1) {
      waiting.push(this.sendOneUrgent(number));
      await this.rest(URGENT_EVERY_MS);
    }
    await Promise.all(waiting);
  }

  async sendOneUrgent(number) {
    const began = performance.now();
    const payload = numbered(this.sample, `${this.mark}-urgent-${number}`);
    const body = { template: this.template, payload, priority: URGENT_PRIORITY, expires_in: KEPT_SECONDS };
    const headers = { Prefer: "wait=25", "Idempotency-Key": `spike-${this.mark}-urgent-${number}` };
    let job = await this.insist(() => this.api.post("/pdf/generate", body, headers));
    if (!job) return;
    const entry = { at: this.seconds, id: job.id, status: job.status, milliseconds: null };
    this.urgent.push(entry);
    while (OPEN.includes(job.status) && !this.isStopped) {
      job = (await this.insist(() => this.api.send("GET", `/pdf/jobs/${entry.id}`, undefined, { Prefer: "wait=25" }))) ?? job;
    }
    entry.status = job.status;
    entry.milliseconds = Math.round(performance.now() - began);
  }

  isOpen() {
    return this.batches.some((each) => OPEN.includes(each.status));
  }

  // The oldest that have not ended: they are served in their order.
  async pollBatches() {
    while (this.isSending || this.isOpen()) {
      const open = this.batches.filter((each) => OPEN.includes(each.status)).slice(0, POLLED_AT_ONCE);
      for (const each of open) {
        try {
          const { status, counts } = await this.api.get(`/pdf/batches/${each.id}`);
          Object.assign(each, { status, counts });
        } catch (error) {
          if (error.status && error.status !== 429 && error.status !== 503) throw error;
          await pause((error.retryAfter ?? 1) * 1000);
        }
      }
      this.ended = sum(this.batches.map(({ counts }) => counts.done + counts.failed + counts.cancelled));
      await pause(POLL_MS);
    }
  }

  async items(batch) {
    const found = [];
    let query = "?page_size=1000";
    while (query) {
      const page = await this.insist(() => this.api.get(`/pdf/batches/${batch.id}/items${query}`));
      if (!page) break;
      found.push(...page.results);
      query = page.next ? new URL(page.next).search : "";
    }
    return found;
  }

  // Asks for every document by name. `lost`: accepted, but neither done nor failed. `doubled`: equal documents of which
  // more than one was made. `wrong`: poison that was made, or a good one that was not.
  async judge() {
    const result = { accepted: this.accepted, done: 0, failed: 0, lost: 0, doubled: 0, wrong: 0 };
    if (this.isStopped) return { ...result, isStopped: true };
    const answered = new Map();
    for (const batch of this.batches) {
      for (const item of await this.items(batch)) answered.set(Number(item.reference), item);
    }
    const jobs = new Map();
    this.documents.forEach((document, place) => {
      const item = answered.get(place);
      if (item?.status === "done") result.done += 1;
      else if (item?.status === "failed") result.failed += 1;
      else result.lost += 1;
      if (item && (item.status === "failed") !== document.isPoison) result.wrong += 1;
      if (item?.job_id) jobs.set(document.same, (jobs.get(document.same) ?? new Set()).add(item.job_id));
    });
    const urgentDone = this.urgent.filter((each) => each.status === "done");
    return {
      ...result,
      doubled: sum([...jobs.values()].map((each) => each.size - 1)),
      poison: this.documents.filter((each) => each.isPoison).length,
      documents: jobs.size,
      refused: this.refusals.length,
      repeated: this.repeated,
      urgent: this.urgent.length,
      urgent_lost: this.urgent.length - urgentDone.length,
      urgent_median_ms: median(urgentDone.map((each) => each.milliseconds)),
      seconds: Math.round(this.seconds * 10) / 10,
      per_second: Math.round((result.done / this.seconds) * 10) / 10,
    };
  }
}

export function median(values) {
  const sorted = values.filter((value) => value !== null).sort((one, other) => one - other);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
