// What a spike looks like while it runs, and its verdict.

import { plot } from "./plot.js";
import { median } from "./spike.js";
import { count, milliseconds, shortMilliseconds } from "./text.js";

const MOST_SAMPLES = 400;

export class SpikeView {
  constructor(spike, figures) {
    this.spike = spike;
    this.figures = figures;
    this.samples = [];
    this.everyMs = 500;
    document.getElementById("spike-show").hidden = false;
    document.getElementById("spike-verdict").hidden = true;
    this.tick();
  }

  tick() {
    this.sample();
    this.timer = setTimeout(() => this.tick(), this.everyMs);
  }

  close() {
    clearTimeout(this.timer);
    this.sample();
  }

  sample() {
    const { spike } = this;
    const { waiting, wait_p95 } = this.figures.view.now;
    this.samples.push({ at: spike.seconds, waiting, wait: wait_p95, accepted: spike.accepted, ended: spike.ended });
    if (this.samples.length > MOST_SAMPLES) {
      // A long one is drawn with wider steps.
      this.samples = this.samples.filter((_, place) => place % 2 === 0);
      this.everyMs *= 2;
    }
    this.paint();
  }

  paint() {
    const { spike, samples } = this;
    const texts = {
      sent: count(spike.sent),
      accepted: count(spike.accepted),
      refused: count(spike.refusals.length),
      waiting: count(samples.at(-1).waiting),
      ended: count(spike.ended),
      urgent: milliseconds(median(spike.urgent.map((each) => each.milliseconds))),
      seconds: `${Math.round(spike.seconds)} s`,
    };
    for (const [name, text] of Object.entries(texts)) document.querySelector(`[data-spike="${name}"]`).textContent = text;
    const whole = Math.max(1, samples.at(-1).at);
    const edges = ["0 s", `${Math.round(whole)} s`];
    const host = (name) => document.getElementById(`spike-${name}`);
    const column = (name) => samples.map((each) => each[name]);
    plot(host("queue"), {
      label: `Jobs that waited during the spike, ${texts.waiting} now; ${texts.refused} refusals`,
      format: count,
      edges,
      marks: spike.refusals.map((at) => Math.min(1, at / whole)),
      series: [{ values: column("waiting"), isArea: true }],
    });
    plot(host("progress"), {
      label: `${texts.accepted} documents accepted, ${texts.ended} ended`,
      format: count,
      edges,
      series: [
        { values: column("accepted"), className: "accepted" },
        { values: column("ended"), className: "done" },
      ],
    });
    const timed = spike.urgent.filter((each) => each.milliseconds !== null);
    plot(host("times"), {
      label: `Urgent documents were done in ${texts.urgent} (median)`,
      format: shortMilliseconds,
      edges,
      series: [{ values: column("wait") }],
      dots: timed.map((each) => ({ x: Math.min(1, each.at / whole), y: each.milliseconds })),
    });
  }

  end(result) {
    const verdict = document.getElementById("spike-verdict");
    const isSum = result.accepted === result.done + result.failed;
    const isGood = !result.isStopped && isSum && !result.lost && !result.doubled && !result.wrong && !result.urgent_lost;
    verdict.hidden = false;
    verdict.className = `verdict ${isGood ? "" : "bad"}`;
    verdict.dataset.result = JSON.stringify({ ...result, deepest: Math.max(...this.samples.map((each) => each.waiting)) });
    verdict.textContent = result.isStopped
      ? "Stopped: what had not ended was cancelled."
      : `${count(result.accepted)} accepted = ${count(result.done)} done + ${count(result.failed)} failed (poison: ${count(result.poison)}). ` +
        `Lost ${count(result.lost)}, doubled ${count(result.doubled)}${result.wrong ? `, wrong ${count(result.wrong)}` : ""}. ` +
        `${count(result.refused)} refusals obeyed. Urgent ones took ${milliseconds(result.urgent_median_ms)} (median). ` +
        `${result.seconds} s, ${result.per_second} documents a second.`;
  }
}
