// The picture beside a watermark's form: asked for again when the form changes.
import { byId } from "./dom.js";
import { callPatiently, debounced } from "./net.js";

const look = byId("watermark-look");
const form = look?.closest("form");
const sitting = String(Math.random()).slice(2);
let controller = new AbortController();

async function show() {
  controller.abort();
  const mine = (controller = new AbortController());
  const body = new FormData(form);
  body.append("stored", look.dataset.stored);
  body.append("ground", byId("watermark-ground").value);
  body.append("sitting", sitting);
  if (!body.get("file")?.size) body.delete("file");
  say("Rendering…");
  try {
    const answer = await callPatiently(look.dataset.url, { form: body, signal: mine.signal }, () => say("Waiting for a free renderer…"));
    if (mine.signal.aborted) return;
    byId("watermark-picture").src = answer.picture;
    byId("watermark-picture").hidden = false;
    say("");
  } catch (error) {
    if (error.name === "AbortError" || error.problem?.code === "stale") return;
    const faults = (error.problem?.errors || []).map((fault) => fault.message);
    say(faults.join(" ") || error.message);
  }
}

function say(text) { byId("watermark-status").textContent = text; }

/** Show what the chosen type may have, and nothing else. */
function fit() {
  const type = form.querySelector("#id_type")?.value || form.querySelector(".field-type .readonly")?.textContent.trim().toLowerCase();
  const hidden = { text: ["file", "width_percent"], image: ["content", "font_size", "color_hex"] }[type] || [];
  for (const name of ["file", "width_percent", "content", "font_size", "color_hex"]) {
    const row = form.querySelector(`.field-${name}`);
    if (row) row.hidden = hidden.includes(name);
  }
  return type;
}

if (look) {
  const again = debounced(250, show);
  form.addEventListener("input", () => { if (fit()) again(); });
  look.addEventListener("change", again);
  if (fit()) show();
}
