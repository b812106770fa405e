// Small ways to make elements. Texts go in as texts, never as HTML.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Tabs as the ARIA practices describe them: arrows move, and each controls its panel. */
export function tabs(list, chosen) {
  list.addEventListener("keydown", (event) => {
    const all = [...list.querySelectorAll("[role=tab]")];
    const at = all.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step ? all[(at + step + all.length) % all.length] : { Home: all[0], End: all.at(-1) }[event.key];
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
    chosen(next.dataset.tab);
  });
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) chosen(tab.dataset.tab);
  });
}

export function select(list, name) {
  for (const tab of list.querySelectorAll("[role=tab]")) {
    const isChosen = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
    const panel = byId(tab.getAttribute("aria-controls"));
    if (panel) panel.hidden = !isChosen;
  }
}
