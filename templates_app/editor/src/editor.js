// The editor of a draft: wires code, preview, findings, parts and autosave together.
import { CodeEditor, modeOf } from "./code.js";
import { byId, make, select, tabs } from "./dom.js";
import { call, debounced } from "./net.js";
import { Parts } from "./parts.js";
import { Preview } from "./preview.js";
import { Saver } from "./saving.js";

const SETTINGS = ["language", "engine", "title", "note", "locale", "timezone", "resource_policy"];
const TABS = { html_source: "Source", css_source: "CSS", sample_payload: "Sample", payload_schema: "Schema" };
const JSON_TABS = { sample_payload: "sample_text", payload_schema: "schema_text" };
const CHECK_AFTER = 1500;

const state = JSON.parse(byId("editor-state").textContent);
const editors = new Map();
const found = { rendering: [], gate: [] };
let current = "html_source";

function addEditor(file, label, text, mode) {
  const id = `panel-${file.replace("/", "-")}`;
  const panel = make("div", { id, role: "tabpanel", class: "code-panel", "aria-label": label, hidden: true });
  byId("code-panels").append(panel);
  byId("code-tabs").insertBefore(make("button", {
    type: "button", role: "tab", "data-tab": file, "aria-controls": id, "aria-selected": "false", tabindex: "-1",
  }, label), byId("code-tabs").querySelector("[data-tab=settings]"));
  editors.set(file, new CodeEditor({ parent: panel, text, mode, nonce: state.nonce, label, changed: typing }));
}

function addPartial(name, text) {
  addEditor(`partials/${name}`, name, text, modeOf(language()));
}

function dropPartial(name) {
  const file = `partials/${name}`;
  const tab = byId("code-tabs").querySelector(`[data-tab="${CSS.escape(file)}"]`);
  byId(tab.getAttribute("aria-controls")).remove();
  tab.remove();
  editors.get(file).view.destroy();
  editors.delete(file);
  if (current === file) choose("html_source");
}

function partials() {
  const named = [...editors].filter(([file]) => file.startsWith("partials/"));
  return Object.fromEntries(named.map(([file, editor]) => [file.slice(9), editor.text]));
}

function language() { return byId("set-language").value; }

/** What is typed, as the service takes it. JSON that is none stays out: it is told at its line instead. */
function typed() {
  const fields = { html_source: editors.get("html_source").text, css_source: editors.get("css_source").text, partials: partials() };
  for (const [file, name] of Object.entries(JSON_TABS)) {
    if (!editors.get(file).jsonFaults().length) fields[name] = editors.get(file).text;
  }
  for (const name of SETTINGS) fields[name] = byId(`set-${name}`).value;
  fields.trusted_fields = byId("set-trusted_fields").value.split(/[\s,]+/).filter(Boolean);
  return fields;
}

function typing() {
  preview.typing();
  saver.typing();
  showFindings();
}

function choose(file) {
  current = file;
  select(byId("code-tabs"), file);
  editors.get(file)?.view.requestMeasure();
}

function goTo(finding) {
  const file = editors.has(finding.file) ? finding.file : "html_source";
  choose(file);
  const place = editors.get(file).placeOf(finding);
  editors.get(file).goTo(place.line, place.column);
}

function allFindings() {
  const json = Object.keys(JSON_TABS).flatMap((file) => editors.get(file).jsonFaults().map((fault) => ({ ...fault, file })));
  const told = new Set();
  return [...json, ...found.rendering, ...found.gate].filter((finding) => {
    const key = `${finding.file}:${finding.line}:${finding.message}`;
    return !told.has(key) && told.add(key);
  });
}

const showFindings = debounced(100, () => {
  const all = allFindings();
  for (const [file, editor] of editors) {
    editor.mark(all.filter((finding) => finding.file === file || (!editors.has(finding.file) && file === "html_source")));
  }
  const errors = all.filter((finding) => finding.severity === "error").length;
  byId("tab-findings").textContent = `Findings (${all.length})`;
  byId("tab-findings").classList.toggle("has-errors", errors > 0);
  byId("finding-list").replaceChildren(...all.map(findingRow));
  byId("finding-none").hidden = all.length > 0;
});

function findingRow(finding) {
  const editor = editors.get(finding.file) || editors.get("html_source");
  const place = editor.placeOf(finding);
  const where = `${TABS[finding.file] || finding.file}${finding.line || finding.pointer ? `, line ${place.line}` : ""}`;
  return make("li", { class: `finding-${finding.severity}` }, make("button", { type: "button", onclick: () => goTo(finding) },
    make("span", { class: `badge badge-${finding.severity}` }, finding.severity),
    make("span", { class: "finding-text" }, finding.message), make("small", {}, where)));
}

const runChecks = debounced(CHECK_AFTER, async () => {
  byId("check-status").textContent = "Checking…";
  try {
    const answer = await call(state.urls.findings, { body: {} });
    found.gate = answer.findings;
    byId("check-status").textContent = `Checked ${new Date().toLocaleTimeString()}`;
    showFindings();
  } catch (error) {
    byId("check-status").textContent = error.status === 429 ? "Not checked: the renderer is busy" : error.message;
    if (error.status === 429) runChecks();
  }
});

function load(stored) {
  state.revision = stored.revision;
  editors.get("html_source").replace(stored.html_source);
  editors.get("css_source").replace(stored.css_source);
  editors.get("sample_payload").replace(stored.sample_text);
  editors.get("payload_schema").replace(stored.schema_text);
  Object.keys(partials()).filter((name) => !(name in stored.partials)).forEach(dropPartial);
  for (const [name, text] of Object.entries(stored.partials)) {
    if (editors.has(`partials/${name}`)) editors.get(`partials/${name}`).replace(text);
    else addPartial(name, text);
  }
  fillSettings(stored);
  parts.showAssets(stored.assets);
  parts.showPartials(Object.keys(stored.partials));
  preview.typing();
}

function fillSettings(stored) {
  for (const name of SETTINGS) byId(`set-${name}`).value = stored[name];
  byId("set-trusted_fields").value = stored.trusted_fields.join("\n");
}

function partialsChanged() {
  parts.showPartials(Object.keys(partials()));
  typing();
}

/** A link from the gate's list leads to a line: #html_source:12. */
function followHash() {
  const [, file, line] = /^#([^:]+)(?::(\d+))?$/.exec(decodeURIComponent(window.location.hash)) || [];
  if (editors.has(file)) goTo({ file, line: Number(line) || 1 });
}

fillSettings(state);
addEditor("html_source", TABS.html_source, state.html_source, modeOf(state.language));
addEditor("css_source", TABS.css_source, state.css_source, "css");
addEditor("sample_payload", TABS.sample_payload, state.sample_text, "json");
addEditor("payload_schema", TABS.payload_schema, state.schema_text, "json");
Object.entries(state.partials).forEach(([name, text]) => addPartial(name, text));

const preview = new Preview({
  url: state.urls.preview, engines: state.engines, engine: state.engine, typed,
  found: (findings) => { found.rendering = findings; showFindings(); },
});
const saver = new Saver({ urls: state.urls, state, typed, load, saved: runChecks });
const parts = new Parts({
  urls: state.urls, saver, language, changed: () => preview.typing(),
  insert: (text, file) => {
    const target = file === "html_source" && current.startsWith("partials/") ? current : file;
    choose(target);
    editors.get(target).insert(text);
  },
  openPartial: (name) => {
    if (!editors.has(`partials/${name}`)) {
      addPartial(name, "");
      partialsChanged();
    }
    choose(`partials/${name}`);
    editors.get(`partials/${name}`).view.focus();
  },
  removePartial: (name) => { dropPartial(name); partialsChanged(); },
});

parts.showAssets(state.assets);
parts.showPartials(Object.keys(state.partials));
tabs(byId("code-tabs"), choose);
tabs(byId("drawer-tabs"), (name) => select(byId("drawer-tabs"), name));
choose("html_source");
byId("settings-form").addEventListener("input", typing);
byId("settings-form").addEventListener("submit", (event) => event.preventDefault());
byId("set-language").addEventListener("change", () => {
  for (const [file, editor] of editors) {
    if (file === "html_source" || file.startsWith("partials/")) editor.setMode(modeOf(language()));
  }
});
byId("set-engine").addEventListener("change", () => {
  preview.ownEngine = byId("set-engine").value;
  if (preview.engine !== "both") preview.choose(preview.ownEngine);
});
byId("check-now").addEventListener("click", () => saver.save().then(runChecks));
for (const link of document.querySelectorAll("[data-after-save]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    saver.save().then(() => { if (!saver.isDirty) window.location.assign(link.href); });
  });
}
window.addEventListener("hashchange", followHash);
window.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    event.preventDefault();
    saver.save();
  }
});
saver.begin();
followHash();
preview.refresh().then(runChecks);
showFindings();
