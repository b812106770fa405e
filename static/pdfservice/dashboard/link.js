// Whether the line to the server stands, in the corner of the page.

export function showLine(state, text) {
  const link = document.getElementById("link");
  const words = document.getElementById("link-text");
  link.dataset.state = state;
  // A screen reader hears a change, not every message.
  if (words.textContent !== text) words.textContent = text;
}
