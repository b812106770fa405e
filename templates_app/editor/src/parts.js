// Assets and partials beside the source: dropped in, inserted by a click.
import { byId, make } from "./dom.js";
import { call } from "./net.js";

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

export class Parts {
  constructor({ urls, saver, language, insert, changed, openPartial, removePartial }) {
    Object.assign(this, { urls, saver, language, insert, changed, openPartial, removePartial });
    this.names = [];
    const zone = byId("panel-assets");
    const choose = byId("asset-file");
    choose.addEventListener("change", () => this.upload([...choose.files]).then(() => { choose.value = ""; }));
    // Dropping a file anywhere on the page must not leave it: all but the zone refuse in silence.
    for (const target of [document, zone]) {
      target.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.toggle("is-over", true); });
      target.addEventListener("drop", (event) => event.preventDefault());
    }
    document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) zone.classList.remove("is-over"); });
    byId("editor").addEventListener("drop", (event) => {
      zone.classList.remove("is-over");
      if (event.dataTransfer.files.length) this.upload([...event.dataTransfer.files]);
    });
    byId("partial-new").addEventListener("submit", (event) => {
      event.preventDefault();
      this.addPartial(byId("partial-name"));
    });
  }

  async upload(files) {
    for (const file of files) {
      const form = new FormData();
      form.append("file", file);
      form.append("name", nameFor(file.name));
      form.append("type", typeFor(file.name));
      await this.send(form, `Uploading ${file.name}…`);
    }
  }

  send(form, text) {
    this.say(text);
    return this.saver.inTurn(async () => {
      try {
        const answer = await call(this.urls.assets, { form });
        this.saver.follow(answer);
        this.showAssets(answer.assets);
        this.say("");
        this.changed();
      } catch (error) {
        const faults = (error.problem?.errors || []).map((fault) => fault.message);
        this.say(faults.join(" ") || error.message, true);
      }
    });
  }

  showAssets(assets) {
    byId("asset-list").replaceChildren(...assets.map((asset) => this.assetRow(asset)));
    byId("tab-assets").textContent = `Assets (${assets.length})`;
  }

  assetRow(asset) {
    const url = `${this.urls.asset.replace("NAME", encodeURIComponent(asset.name))}?${asset.sha256.slice(0, 12)}`;
    const picture = asset.type === "font" ? make("span", { class: "asset-font", "aria-hidden": true }, "Aa")
      : make("img", { src: url, alt: "", width: 32, height: 32 });
    const form = new FormData();
    form.append("remove", asset.name);
    return make("li", {},
      make("button", { type: "button", class: "part-insert", title: `Insert ${asset.name} at the cursor`,
        onclick: () => this.insert(snippetFor(asset, this.language()), asset.type === "font" ? "css_source" : "html_source") },
      picture, make("span", {}, asset.name), make("small", {}, `${asset.type}, ${size(asset.size_bytes)}`)),
      make("button", { type: "button", class: "part-remove", "aria-label": `Remove ${asset.name}`,
        onclick: () => { if (window.confirm(`Remove ${asset.name} from this draft?`)) this.send(form, "Removing…"); } }, "×"));
  }

  showPartials(names) {
    this.names = names;
    byId("partial-list").replaceChildren(...names.map((name) => make("li", {},
      make("button", { type: "button", class: "part-insert", title: `Insert ${name} at the cursor`,
        onclick: () => this.insert(partialSnippet(name, this.language()), "html_source") }, make("span", {}, name)),
      make("button", { type: "button", onclick: () => this.openPartial(name) }, "Edit"),
      make("button", { type: "button", class: "part-remove", "aria-label": `Remove ${name}`,
        onclick: () => { if (window.confirm(`Remove the partial ${name} from this draft?`)) this.removePartial(name); } }, "×"))));
    byId("tab-partials").textContent = `Partials (${names.length})`;
  }

  addPartial(input) {
    const name = input.value.trim();
    const fault = !NAME.test(name) ? "A name has letters, digits, dots, dashes and underscores." : "";
    input.setCustomValidity(this.names.includes(name) ? "There is a partial of that name." : fault);
    if (!input.reportValidity()) return;
    input.value = "";
    this.openPartial(name);
  }

  say(text, isBad = false) {
    const status = byId("asset-status");
    status.textContent = text;
    status.classList.toggle("is-bad", isBad);
  }
}

function nameFor(filename) {
  return filename.normalize("NFKD").replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^[.-]+/, "").slice(-100) || "file";
}

function typeFor(filename) {
  if (/\.(ttf|otf|woff2?)$/i.test(filename)) return "font";
  return /logo/i.test(filename) ? "logo" : "image";
}

function snippetFor(asset, language) {
  const url = `asset:${asset.name}`;
  if (asset.type === "font") {
    const family = asset.name.replace(/\.[^.]+$/, "");
    return `@font-face { font-family: "${family}"; src: url(${url}) }\n`;
  }
  if (language === "markdown") return `![](${url})`;
  return language === "mjml" ? `<mj-image src="${url}" />` : `<img src="${url}" alt="">`;
}

function partialSnippet(name, language) {
  if (language === "handlebars") return `{{> ${name}}}`;
  return `{% include "${name}" %}`;
}

function size(bytes) {
  return bytes < 1024 ? `${bytes} B` : bytes < 1 << 20 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / (1 << 20)).toFixed(1)} MB`;
}
