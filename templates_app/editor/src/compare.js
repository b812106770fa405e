// Two versions beside each other: what differs in the texts, and in the pages that one sample makes of each.
import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { baseExtensions, modeOf } from "./code.js";
import { byId, make } from "./dom.js";
import { callPatiently } from "./net.js";
import { differences } from "./pixels.js";

const AT_ONCE = 4;
const MOST_PAIRS = 60;
const state = JSON.parse(byId("compare-state").textContent);
let controller = new AbortController();

function showSources() {
  const names = [...new Set([...Object.keys(state.old.texts), ...Object.keys(state.new.texts)])];
  const different = names.filter((name) => (state.old.texts[name] || "") !== (state.new.texts[name] || ""));
  byId("compare-sources").replaceChildren(...different.map((name) => {
    const section = make("section", { class: "compare-text" }, make("h3", {}, name));
    const side = (version) => ({
      doc: version.texts[name] || "",
      extensions: [...baseExtensions(state.nonce, modeFor(name, version.language)), EditorState.readOnly.of(true)],
    });
    const view = new MergeView({
      a: side(state.old), b: side(state.new), parent: section, gutter: true, collapseUnchanged: { margin: 3, minSize: 6 },
    });
    view.a.contentDOM.setAttribute("aria-label", `${name} of version ${state.old.version}`);
    view.b.contentDOM.setAttribute("aria-label", `${name} of version ${state.new.version}`);
    return section;
  }));
  const same = names.length - different.length;
  byId("compare-equal").textContent = different.length
    ? `${different.length} of ${names.length} texts differ.` : `All ${same} texts are the same.`;
}

function modeFor(name, language) {
  if (name === "CSS") return "css";
  if (name.includes("ayload") || name === "Settings") return "json";
  return modeOf(name === "Assets" ? "markdown" : language);
}

async function pagesOf(side, first, sampleOf) {
  const body = { sample_of: sampleOf, sitting: "compare", first, count: AT_ONCE };
  const busy = () => say("Waiting for a free renderer…");
  return callPatiently(side.pages_url, { body, signal: controller.signal }, busy);
}

async function showPages() {
  controller.abort();
  const mine = (controller = new AbortController());
  const list = byId("compare-pages");
  list.replaceChildren();
  const sampleOf = Number(byId("compare-sample").value);
  let changed = 0;
  let last = 1;
  try {
    for (let first = 1; first <= last && first <= MOST_PAIRS; first += AT_ONCE) {
      say(`Rendering page ${first}…`);
      const before = await pagesOf(state.old, first, sampleOf);
      const after = await pagesOf(state.new, first, sampleOf);
      if (mine.signal.aborted) return;
      tellFaults(before, after);
      last = Math.max(before.pages?.page_count || 0, after.pages?.page_count || 0);
      for (let page = first; page < first + AT_ONCE && page <= last; page += 1) {
        const pair = await pairOf(page, pictureOf(before, page), pictureOf(after, page));
        if (mine.signal.aborted) return;
        changed += pair.classList.contains("is-changed");
        list.append(pair);
      }
    }
    const beyond = last > MOST_PAIRS ? ` Only the first ${MOST_PAIRS} are shown.` : "";
    say(`${changed} of ${last} page${last === 1 ? "" : "s"} changed.${beyond}`);
    list.dataset.done = "yes";
  } catch (error) {
    if (error.name !== "AbortError") say(error.message);
  }
}

function pictureOf(answer, page) {
  if (!answer.pages || page > answer.pages.page_count) return "";
  return answer.pages.large[page - answer.pages.first] || "";
}

async function pairOf(page, before, after) {
  const { canvas, changed, share } = await differences(before, after);
  const isChanged = changed > 0 || !before !== !after;
  const overlay = make("div", { class: "compare-overlay" }, make("h4", {}, "Differences"), canvas);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Differences of page ${page}, in red`);
  return make("section", { class: `compare-pair${isChanged ? " is-changed" : ""}`, tabindex: "-1" },
    make("h3", {}, `Page ${page} `, isChanged
      ? make("span", { class: "badge badge-warning" }, `changed, ${share < 0.0001 ? "< 0.01" : (share * 100).toFixed(2)} %`)
      : make("span", { class: "badge" }, "the same")),
    make("div", { class: "compare-columns" }, sheet(`v${state.old.version}`, page, before), sheet(`v${state.new.version}`, page, after), overlay));
}

function sheet(title, page, url) {
  const picture = url ? make("img", { src: url, alt: `Page ${page} of ${title}` }) : make("p", { class: "no-page" }, "no such page");
  return make("div", {}, make("h4", {}, title), picture);
}

function tellFaults(...answers) {
  const faults = answers.flatMap((answer, index) => answer.findings
    .filter((finding) => finding.severity === "error")
    .map((finding) => make("li", {}, `v${[state.old, state.new][index].version}: ${finding.message}`)));
  byId("compare-faults").replaceChildren(...faults);
}

function say(text) { byId("compare-status").textContent = text; }

byId("compare-sample").addEventListener("change", showPages);
byId("compare-with").addEventListener("change", (event) => {
  window.location.assign(`?with=${encodeURIComponent(event.target.value)}`);
});
byId("compare-overlays").addEventListener("change", (event) => {
  byId("compare-pages").classList.toggle("has-overlays", event.target.checked);
});
byId("compare-only").addEventListener("change", (event) => {
  byId("compare-pages").classList.toggle("only-changed", event.target.checked);
});
byId("compare-next").addEventListener("click", () => {
  const pairs = [...document.querySelectorAll(".compare-pair.is-changed")];
  const next = pairs.find((pair) => pair.getBoundingClientRect().top > 120) || pairs[0];
  next?.scrollIntoView({ block: "start" });
  next?.focus({ preventScroll: true });
});
showSources();
showPages();
