// The page of a job: painted by the server, fetched again when something happens to it, with buttons for the API.

import { Api } from "./api.js";
import { showLine } from "./link.js";
import { Line } from "./socket.js";
import { element, localTimes, say } from "./text.js";

const start = JSON.parse(document.getElementById("start").textContent);
const api = new Api(start.team);
const address = `/pdf/jobs/${start.job}`;

async function freshen() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("fresh");
  const old = document.getElementById("fresh");
  const said = (root) => root.querySelector("h1 .state").textContent;
  const isOther = said(old) !== said(fresh);
  // The picture costs a process: it is drawn anew only for another document.
  const digest = (root) => root.querySelector("#digest")?.textContent;
  const picture = old.querySelector(".sheet");
  if (picture && digest(old) === digest(fresh)) fresh.querySelector(".sheet")?.replaceWith(picture);
  old.replaceWith(document.adoptNode(fresh));
  document.title = page.title;
  ready();
  if (isOther) say(`The job is ${said(fresh).toLowerCase()}.`);
}

function ready() {
  localTimes();
  const picture = document.getElementById("picture");
  const missing = () => {
    picture.closest(".sheet").hidden = true;
    document.getElementById("no-picture").hidden = false;
  };
  picture?.addEventListener("error", missing);
  if (picture?.complete && picture.naturalWidth === 0) missing();
}

async function act(what) {
  try {
    await what();
  } catch (error) {
    const note = element("p", { className: "card alarm-card", role: "alert" }, error.message);
    document.querySelector(".alarm-card[role=alert]")?.remove();
    document.querySelector(".job-head").after(note);
    return;
  }
  await freshen();
}

document.addEventListener("click", (event) => {
  const steer = event.target.closest("[data-act]");
  const revoke = event.target.closest("[data-revoke]");
  if (steer) act(() => api.post(`${address}/${steer.dataset.act}`));
  if (revoke) act(() => api.remove(`/pdf/links/${revoke.dataset.revoke}`));
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "new-link") return;
  event.preventDefault();
  const wishes = new FormData(event.target);
  act(async () => {
    const link = await api.post(`${address}/links`, {
      ttl_seconds: Number(wishes.get("ttl_seconds")),
      max_uses: Number(wishes.get("max_uses")),
    });
    const made = document.getElementById("made-link");
    made.hidden = false;
    made.replaceChildren("This link is shown now and never again: ", element("a", { href: link.url }, link.url));
  });
});

new Line({
  team: start.team,
  after: Number.MAX_SAFE_INTEGER, // this page is fetched anew instead of catching up
  seen: [],
  onState: showLine,
  onMessage(message) {
    if (message.type === "hello" || message.events.some((each) => each.subject === start.job)) freshen();
  },
});
ready();
