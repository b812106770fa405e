// A code editor in the admin's colours: CodeMirror with highlighting, findings at their lines, and no inline style.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { css } from "@codemirror/lang-css";
import { html } from "@codemirror/lang-html";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { markdown } from "@codemirror/lang-markdown";
import {
  HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, syntaxHighlighting, syntaxTree,
} from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import {
  Decoration, EditorView, ViewPlugin, drawSelection, highlightActiveLine, highlightActiveLineGutter,
  keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const theme = EditorView.theme({
  "&": { color: "var(--body-fg)", backgroundColor: "var(--body-bg)", height: "100%", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--code-focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--body-fg)" },
  ".cm-cursor": { borderLeftColor: "var(--body-fg)" },
  ".cm-gutters": { backgroundColor: "var(--darkened-bg)", color: "var(--body-quiet-color)", borderRight: "1px solid var(--hairline-color)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--code-line)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--code-selection)" },
  ".cm-panels, .cm-tooltip": { backgroundColor: "var(--darkened-bg)", color: "var(--body-fg)", border: "1px solid var(--border-color)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--button-bg)", color: "var(--button-fg)" },
  ".cm-panel input, .cm-panel button": { color: "var(--body-fg)" },
  ".cm-diagnostic": { whiteSpace: "pre-wrap" },
  ".cm-template": { color: "var(--code-template)", backgroundColor: "var(--code-template-bg)", borderRadius: "2px" },
  ".cm-matchingBracket": { backgroundColor: "var(--code-selection)" },
  ".cm-collapsedLines": { background: "var(--darkened-bg) !important", color: "var(--body-fg) !important" },
  ".cm-collapsedLines:before, .cm-collapsedLines:after": { content: '"…" !important' },
  ".cm-changedText": { background: "var(--code-selection)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.tagName, tags.keyword, tags.heading], color: "var(--code-tag)" },
  { tag: [tags.attributeName, tags.propertyName], color: "var(--code-name)" },
  { tag: [tags.string, tags.attributeValue], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.unit, tags.color, tags.atom], color: "var(--code-number)" },
  { tag: [tags.comment, tags.meta, tags.processingInstruction], color: "var(--body-quiet-color)", fontStyle: "italic" },
  { tag: tags.link, color: "var(--link-fg)" },
  { tag: tags.strong, fontWeight: "bold" },
  { tag: tags.emphasis, fontStyle: "italic" },
]);

// Handlebars and Jinja stand over HTML, CSS and Markdown alike.
const TEMPLATE = /\{\{[^]*?\}\}\}?|\{%[^]*?%\}|\{#[^]*?#\}/g;
const LONGEST_HIGHLIGHTED = 200_000;
const templateMark = Decoration.mark({ class: "cm-template" });
const templateHighlight = ViewPlugin.fromClass(
  class {
    constructor(view) { this.marks = templateMarks(view.state.doc); }
    update(update) { if (update.docChanged) this.marks = templateMarks(update.state.doc); }
  },
  { decorations: (plugin) => plugin.marks },
);

/** Return marks for all that is the template's; they may go over many lines, as comments do. */
function templateMarks(doc) {
  if (doc.length > LONGEST_HIGHLIGHTED) return Decoration.none;
  const found = doc.toString().matchAll(TEMPLATE);
  return Decoration.set([...found].map((match) => templateMark.range(match.index, match.index + match[0].length)));
}

const MODES = {
  html: () => [html({ autoCloseTags: true }), templateHighlight],
  css: () => [css(), templateHighlight],
  json: () => [json()],
  markdown: () => [markdown(), templateHighlight],
};

export function modeOf(language) {
  return language === "markdown" ? "markdown" : "html";
}

export function baseExtensions(nonce, mode) {
  return [
    EditorView.cspNonce.of(nonce), theme, syntaxHighlighting(colours), lineNumbers(), bracketMatching(),
    EditorView.lineWrapping, MODES[mode](),
  ];
}

export class CodeEditor {
  /** Show `text` in `parent`; `changed` is called when its author changes it, and not when `replace` does. */
  constructor({ parent, text, mode, nonce, label, changed }) {
    this.mode = new Compartment();
    this.silent = false;
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          EditorView.cspNonce.of(nonce), theme, syntaxHighlighting(colours), this.mode.of(MODES[mode]()),
          lineNumbers(), highlightActiveLineGutter(), highlightActiveLine(), history(), foldGutter(), drawSelection(),
          indentOnInput(), bracketMatching(), closeBrackets(), autocompletion(), highlightSelectionMatches(), lintGutter(),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label }),
          keymap.of([
            ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap,
            ...completionKeymap, ...lintKeymap, indentWithTab,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !this.silent) changed();
          }),
        ],
      }),
    });
  }

  get text() { return this.view.state.doc.toString(); }

  setMode(mode) { this.view.dispatch({ effects: this.mode.reconfigure(MODES[mode]()) }); }

  /** Put another text in place of what there is, as one step that can be undone. */
  replace(text) {
    this.silent = true;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
    this.silent = false;
  }

  /** Write at the cursor, as if typed. */
  insert(text) {
    this.view.dispatch(this.view.state.replaceSelection(text));
    this.view.focus();
  }

  /** Put the cursor at a line and column, both from 1, and show it. */
  goTo(line, column) {
    const place = this.view.state.doc.line(Math.min(Math.max(line || 1, 1), this.view.state.doc.lines));
    const at = Math.min(place.from + Math.max((column || 1) - 1, 0), place.to);
    this.view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    this.view.focus();
  }

  /** Mark findings at their lines. */
  mark(findings) {
    const doc = this.view.state.doc;
    const marks = findings.map((finding) => {
      const place = this.placeOf(finding);
      const line = doc.line(Math.min(Math.max(place.line, 1), doc.lines));
      const from = Math.min(line.from + Math.max((place.column || 1) - 1, 0), line.to);
      return { from, to: line.to, severity: finding.severity, message: finding.message, source: finding.code };
    });
    this.view.dispatch(setDiagnostics(this.view.state, marks.sort((a, b) => a.from - b.from)));
  }

  /** Return the line and column of a finding: its own, or where its JSON pointer leads. */
  placeOf(finding) {
    if (!finding.pointer) return { line: finding.line || 1, column: finding.column || 1 };
    const at = pointerPosition(this.view.state, finding.pointer);
    const line = this.view.state.doc.lineAt(at);
    return { line: line.number, column: at - line.from + 1 };
  }

  /** Return what is wrong with the text as JSON; empty is fine. */
  jsonFaults() {
    if (!this.text.trim()) return [];
    return jsonParseLinter()(this.view).map((fault) => {
      const line = this.view.state.doc.lineAt(fault.from);
      return { severity: "error", code: "json", message: fault.message, line: line.number, column: fault.from - line.from + 1 };
    });
  }
}

function pointerPosition(state, pointer) {
  let node = syntaxTree(state).topNode.firstChild;
  for (const raw of pointer.split("/").slice(1)) {
    const part = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    const next = node && childOf(state, node, part);
    if (!next) break;
    node = next;
  }
  return node ? node.from : 0;
}

function childOf(state, node, part) {
  if (node.name === "Object") {
    for (const property of node.getChildren("Property")) {
      const name = property.firstChild;
      if (name && nameOf(state.sliceDoc(name.from, name.to)) === part) return property.lastChild;
    }
    return null;
  }
  const items = [];
  for (let item = node.firstChild; item; item = item.nextSibling) {
    if (!["[", "]", ",", "⚠"].includes(item.name)) items.push(item);
  }
  return items[Number(part)] || null;
}

function nameOf(quoted) {
  try {
    return JSON.parse(quoted);
  } catch {
    return quoted;
  }
}
