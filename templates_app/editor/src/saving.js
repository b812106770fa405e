// Autosave. Each save says upon which revision it was typed; who was slower is told, and nobody is overwritten.
import { byId, make } from "./dom.js";
import { Refusal, call, debounced } from "./net.js";

const PAUSE = 1000;
const LOOK_EVERY = 4000;

export class Saver {
  constructor({ urls, state, typed, load, saved }) {
    Object.assign(this, { urls, typed, load, saved });
    this.revision = state.revision;
    this.stored = {};
    this.isStopped = false;
    this.turn = Promise.resolve();
    this.status = byId("save-status");
    this.schedule = debounced(PAUSE, () => this.save());
    this.say("Saved", "saved");
    setInterval(() => this.look(), LOOK_EVERY);
    window.addEventListener("beforeunload", (event) => {
      if (this.isDirty) event.preventDefault();
    });
  }

  begin() { this.stored = this.typed(); }

  get changed() {
    const now = this.typed();
    return Object.fromEntries(Object.entries(now).filter(([name, value]) => !equal(value, this.stored[name])));
  }

  get isDirty() { return Object.keys(this.changed).length > 0; }

  typing() {
    if (this.isStopped || !this.isDirty) return;
    this.say("Not saved yet", "dirty");
    this.schedule();
  }

  /** Do one thing to the draft at a time, so that revisions are counted in order. */
  inTurn(act) {
    const mine = this.turn.then(act);
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  save() {
    return this.inTurn(async () => {
      const fields = this.changed;
      if (this.isStopped || !Object.keys(fields).length) return;
      this.say("Saving…", "dirty");
      try {
        const answer = await call(this.urls.save, { body: { fields_typed: fields, revision: this.revision } });
        this.revision = answer.revision;
        this.stored = { ...this.stored, ...fields };
        this.say(this.isDirty ? "Not saved yet" : "Saved", this.isDirty ? "dirty" : "saved");
        this.saved();
      } catch (error) {
        this.refused(error);
      }
    });
  }

  refused(error) {
    const problem = error.problem || {};
    if (problem.code === "edited_meanwhile") return this.collide(problem);
    if (problem.code === "version_frozen" || error.status === 404) {
      this.isStopped = true;
      return this.tell(problem.detail || "The draft is gone.");
    }
    const faults = (problem.errors || []).map((fault) => `${fault.pointer.replace("/", "")}: ${fault.message}`);
    this.say(`Not saved. ${[error.message, ...faults].join(" ")}`, "bad");
    if (!(error instanceof Refusal) || error.status >= 500) setTimeout(() => this.save(), 5000);
    return undefined;
  }

  /** Take over what another call did to the draft; another revision than the next is somebody else's work. */
  follow(answer) {
    if (answer.revision === this.revision + 1) this.revision = answer.revision;
    else this.collide(answer);
  }

  look() {
    if (document.hidden || this.isStopped) return undefined;
    return this.inTurn(async () => {
      const now = await call(this.urls.state).catch(() => null);
      if (now && now.status !== "draft") {
        this.isStopped = true;
        this.tell(`This version is ${now.status} now and never changes. Clone it to go on.`);
      } else if (now && !this.isStopped && now.revision !== this.revision) this.collide(now);
    });
  }

  collide(theirs) {
    this.isStopped = true;
    const when = theirs.edited_at ? new Date(theirs.edited_at).toLocaleTimeString() : "";
    this.say("Not saved: the draft was changed elsewhere", "bad");
    this.tell(
      `${theirs.edited_by || "Somebody"} changed this draft meanwhile${when && ` (${when})`}. Nothing of yours was saved over it.`,
      make("button", { type: "button", onclick: () => this.loadTheirs() }, "Load their version"),
      make("button", { type: "button", onclick: () => this.keepMine(theirs.revision) }, "Keep mine, overwrite theirs"),
    );
  }

  async loadTheirs() {
    const state = await call(`${this.urls.state}?all=1`);
    this.revision = state.revision;
    this.load(state);
    this.begin();
    this.resume("Loaded");
  }

  keepMine(revision) {
    this.revision = revision;
    this.stored = {};
    this.resume("Not saved yet");
    return this.save();
  }

  resume(text) {
    this.isStopped = false;
    byId("editor-alert").hidden = true;
    this.say(text, "saved");
  }

  tell(text, ...buttons) {
    const alert = byId("editor-alert");
    alert.replaceChildren(make("span", {}, text), ...buttons);
    alert.hidden = false;
  }

  say(text, kind) {
    this.status.textContent = text;
    this.status.dataset.kind = kind;
  }
}

function equal(one, two) {
  return JSON.stringify(one) === JSON.stringify(two);
}
