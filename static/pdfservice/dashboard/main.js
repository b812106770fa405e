// The dashboard: what the server painted comes alive.

import { Api } from "./api.js";
import { DeadLetters } from "./dead.js";
import { Figures } from "./figures.js";
import { showLine } from "./link.js";
import { Line } from "./socket.js";
import { Stream } from "./stream.js";
import { localTimes } from "./text.js";

const start = JSON.parse(document.getElementById("start").textContent);
const api = new Api(start.team);
const figures = new Figures(start);
const stream = new Stream(start.events);
const dead = new DeadLetters(api, start.may_write);
localTimes();

document.getElementById("team")?.addEventListener("change", (event) => event.target.form.submit());

new Line({
  team: start.team,
  after: start.floor,
  seen: start.events.map((each) => each.id),
  onState: showLine,
  onMessage(message) {
    if (message.type === "hello") {
      figures.replace(message.view);
      if (message.is_anew) stream.anew();
    } else {
      figures.apply(message.changes);
    }
    stream.add(message.events);
    dead.add(message.events);
  },
});

if (start.may_write) {
  const { operate } = await import("./operations.js");
  operate({ api, figures, start });
}
