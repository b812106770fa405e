// The pages on the right: asked for again when typing pauses, answered by the renderer that makes the customers' pages.
import { byId, make } from "./dom.js";
import { Refusal, callPatiently, debounced } from "./net.js";
import { differences } from "./pixels.js";

const DELAY = 250;
const NAMES = { weasyprint: "WeasyPrint", plutobook: "PlutoBook" };
const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2];

export class Preview {
  constructor({ url, engines, engine, typed, found }) {
    Object.assign(this, { url, engines, typed, found, engine, ownEngine: engine });
    this.sitting = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);
    this.root = byId("preview");
    this.pages = byId("preview-pages");
    this.strip = byId("preview-strip");
    this.status = byId("preview-status");
    this.zoom = 1;
    this.first = 1;
    this.count = 0;
    this.sheets = [];
    this.typedAt = 0;
    this.schedule = debounced(DELAY, () => this.refresh());
    this.pages.addEventListener("scroll", debounced(120, () => this.scrolled()));
    byId("zoom-in").addEventListener("click", () => this.zoomBy(1));
    byId("zoom-out").addEventListener("click", () => this.zoomBy(-1));
    byId("zoom-fit").addEventListener("click", () => this.setZoom(1));
    new ResizeObserver(debounced(300, () => this.resized())).observe(this.pages);
    this.offerEngines();
  }

  offerEngines() {
    const choices = [...this.engines, "both"].map((engine) =>
      make("button", {
        type: "button", "data-engine": engine, "aria-pressed": String(engine === this.engine),
        onclick: () => this.choose(engine),
      }, engine === "both" ? "Side by side" : NAMES[engine] || engine));
    byId("preview-engines").replaceChildren(...choices);
  }

  /** Show what another engine makes; which one the version uses is among its settings. */
  choose(engine) {
    this.engine = engine;
    for (const button of byId("preview-engines").children) {
      button.setAttribute("aria-pressed", String(button.dataset.engine === engine));
    }
    this.root.classList.toggle("is-both", engine === "both");
    this.sheets = [];
    this.pages.replaceChildren();
    this.refresh();
  }

  typing() {
    this.typedAt = performance.now();
    this.schedule();
  }

  get dpi() {
    const points = this.sheets[0]?.size[0] || 595;
    const wide = this.pages.clientWidth * this.zoom * Math.min(window.devicePixelRatio || 1, 2) || 600;
    return Math.min(Math.max(Math.ceil((72 * wide) / points / 12) * 12, 48), 216);
  }

  async refresh() {
    this.controller?.abort();
    const controller = (this.controller = new AbortController());
    const typedAt = this.typedAt;
    const fields = this.typed();
    if (!fields) return;
    this.say("Rendering…");
    this.root.setAttribute("aria-busy", "true");
    try {
      if (this.engine === "both") await this.showBoth(fields, controller);
      else await this.showOne(fields, controller);
      if (controller.signal.aborted) return;
      if (typedAt) {
        this.root.dataset.latency = Math.round(performance.now() - typedAt);
        if (typedAt === this.typedAt) this.typedAt = 0;
      }
      this.root.setAttribute("aria-busy", "false");
    } catch (error) {
      if (error.name === "AbortError" || (error instanceof Refusal && error.problem.code === "stale")) return;
      this.root.setAttribute("aria-busy", "false");
      const faults = (error.problem?.errors || []).map((fault) => `${fault.pointer}: ${fault.message}`);
      this.say([error.message, ...faults].join(" "), true);
    }
  }

  ask(fields, engine, more, controller) {
    const body = { fields_typed: fields, sitting: this.sitting, engine, dpi: this.dpi, ...more };
    return callPatiently(this.url, { body, signal: controller.signal }, () => this.say("Waiting for a free renderer…"));
  }

  async showOne(fields, controller) {
    const answer = await this.ask(fields, this.engine, { first: this.first, count: 2 }, controller);
    if (controller.signal.aborted) return;
    this.found(answer.findings);
    this.root.classList.toggle("is-outdated", !answer.pages);
    if (!answer.pages) {
      const older = this.sheets.length ? " The pages shown are the last that could be made." : "";
      this.say(`No document: see the findings.${older}`, true);
      return;
    }
    await this.show(answer.pages);
    const { page_count: count, engine_ms: engineMs, language_ms: languageMs } = answer.pages;
    this.say(`${count} page${count === 1 ? "" : "s"} · ${NAMES[this.engine]} ${engineMs} ms + source ${languageMs} ms`);
  }

  async show(pages) {
    this.count = pages.page_count;
    this.keepSheets(pages);
    pages.small.forEach((url, index) => this.sheets[index].showSmall(url));
    pages.large.forEach((url, index) => this.sheets[pages.first - 1 + index]?.showLarge(url));
    await Promise.all(pages.large.map((_, index) => this.sheets[pages.first - 1 + index]?.ready()));
    this.tellPage();
  }

  /** Have as many sheets of paper as there are pages, keeping those that are there: nothing jumps while one types. */
  keepSheets(pages) {
    while (this.sheets.length > pages.page_count) this.sheets.pop().remove();
    while (this.sheets.length < pages.page_count) {
      const sheet = new Sheet(this.sheets.length + 1, (page) => this.goTo(page));
      this.sheets.push(sheet);
      this.pages.append(sheet.figure);
      this.strip.append(sheet.button);
    }
    this.sheets.forEach((sheet, index) => sheet.setSize(pages.sizes[index] || pages.sizes.at(-1), this.zoom));
    if (this.first > pages.page_count) this.first = 1;
  }

  goTo(page) {
    this.pages.scrollTo({ top: this.sheets[page - 1].figure.offsetTop - this.pages.offsetTop });
    this.scrolled();
  }

  scrolled() {
    if (this.engine === "both") return;
    const top = this.pages.scrollTop + this.pages.offsetTop + this.pages.clientHeight / 3;
    const at = this.sheets.findIndex((sheet) => sheet.figure.offsetTop + sheet.figure.offsetHeight > top);
    this.first = Math.max(at, 0) + 1;
    this.tellPage();
    if (this.sheets.slice(this.first - 1, this.first + 1).some((sheet) => !sheet.isSharp)) this.refresh();
  }

  tellPage() {
    byId("preview-page").textContent = this.count ? `Page ${this.first} of ${this.count}` : "";
    this.sheets.forEach((sheet) => sheet.button.setAttribute("aria-current", String(sheet.number === this.first)));
  }

  zoomBy(step) {
    const at = ZOOMS.findIndex((zoom) => zoom >= this.zoom - 0.01);
    this.setZoom(ZOOMS[Math.min(Math.max(at + step, 0), ZOOMS.length - 1)]);
  }

  setZoom(zoom) {
    this.zoom = zoom;
    byId("zoom-fit").textContent = zoom === 1 ? "Fit" : `${Math.round(zoom * 100)} %`;
    this.sheets.forEach((sheet) => { sheet.setSize(sheet.size, zoom); sheet.isSharp = false; });
    this.refresh();
  }

  resized() {
    if (this.sheets.length && Math.abs(this.pages.clientWidth - (this.lastWidth || 0)) > 60) {
      this.lastWidth = this.pages.clientWidth;
      this.refresh();
    }
  }

  /** The same page on each engine, one after the other: a team has few renderers. Then what differs. */
  async showBoth(fields, controller) {
    const shown = [];
    for (const engine of this.engines) {
      const answer = await this.ask(fields, engine, { first: this.first, count: 1, small: false }, controller);
      if (controller.signal.aborted) return;
      if (engine === this.ownEngine) this.found(answer.findings);
      shown.push({ engine, pages: answer.pages });
    }
    const columns = shown.map(({ engine, pages }) => column(
      `${NAMES[engine]}${engine === this.ownEngine ? " (this version's)" : ""}`,
      pages ? `${pages.page_count} page${pages.page_count === 1 ? "" : "s"}, ${pages.engine_ms} ms` : "makes no document",
      pages ? make("img", { src: pages.large[0], alt: `Page ${this.first} by ${NAMES[engine]}` }) : "",
    ));
    const [one, two] = shown.map(({ pages }) => pages);
    if (one && two) {
      const { canvas, share } = await differences(one.large[0], two.large[0]);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", "Differences of the two pages, in red");
      columns.push(column("Differences", `${(share * 100).toFixed(1)} % of the page`, canvas));
      this.count = Math.max(one.page_count, two.page_count);
    }
    if (controller.signal.aborted) return;
    this.sheets = [];
    this.strip.replaceChildren(...this.pageButtons());
    this.pages.replaceChildren(make("div", { class: "engine-columns" }, ...columns));
    byId("preview-page").textContent = `Page ${this.first} of ${this.count}`;
    this.say(one && two && one.page_count !== two.page_count ? "The engines break pages differently." : "Both engines side by side.");
  }

  pageButtons() {
    return Array.from({ length: Math.min(this.count, 60) }, (_, index) => make("button", {
      type: "button", class: "plain-page", "aria-current": String(index + 1 === this.first),
      onclick: () => { this.first = index + 1; this.refresh(); },
    }, String(index + 1)));
  }

  say(text, isBad = false) {
    this.status.textContent = text;
    this.status.classList.toggle("is-bad", isBad);
  }
}

function column(title, note, picture) {
  return make("section", {}, make("h3", {}, title), make("p", {}, note), picture);
}

class Sheet {
  constructor(number, goTo) {
    this.number = number;
    this.isSharp = false;
    this.image = make("img", { alt: `Page ${number}` });
    this.figure = make("figure", { class: "sheet", "data-page": number }, this.image, make("figcaption", {}, String(number)));
    this.thumbnail = make("img", { alt: "" });
    this.button = make("button", { type: "button", "aria-label": `Page ${number}`, onclick: () => goTo(number) },
      this.thumbnail, make("span", {}, String(number)));
  }

  setSize(size, zoom) {
    this.size = size;
    this.figure.style.setProperty("--ratio", `${size[0]} / ${size[1]}`);
    this.figure.style.setProperty("--zoom", zoom);
  }

  /** A page whose small picture is as it was keeps its large one; another shows the small one until it is asked for. */
  showSmall(url) {
    if (this.thumbnail.src === url) return;
    this.thumbnail.src = url;
    this.isSharp = false;
    if (!this.image.src) this.image.src = url;
  }

  showLarge(url) {
    this.image.src = url;
    this.isSharp = true;
  }

  ready() { return this.image.decode().catch(() => undefined); }

  remove() {
    this.figure.remove();
    this.button.remove();
  }
}
