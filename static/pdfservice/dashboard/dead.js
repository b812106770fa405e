// Dead letters: those the server painted, those that come, and the way back for each.

import { element, say, timeOfDay } from "./text.js";

const SHOWN = 20;

export class DeadLetters {
  constructor(api, mayWrite) {
    this.api = api;
    this.mayWrite = mayWrite;
    this.list = document.getElementById("dead");
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-retry]");
      if (button) this.retry(button);
    });
  }

  add(events) {
    for (const event of events) {
      if (event.action === "job.failed" && event.kind !== "expand") this.show(event);
      else if (event.action === "job.revived") this.find(event.subject)?.remove();
      else if (event.action === "job.erased") this.find(event.subject)?.querySelector("[data-retry]")?.remove();
    }
    while (this.list.children.length > SHOWN) this.list.lastElementChild.remove();
    document.getElementById("dead-empty").hidden = this.list.children.length > 0;
  }

  find(job) {
    return this.list.querySelector(`[data-job="${CSS.escape(job)}"]`);
  }

  show(event) {
    this.find(event.subject)?.remove();
    const name = element("a", { href: `/dashboard/jobs/${event.subject}` }, element("b", {}, event.code ?? "failed"), ` ${event.template}`);
    if (event.team) name.append(element("span", { className: "soft" }, ` ${event.team}`));
    const retry = this.mayWrite ? element("button", { className: "small", type: "button", "data-retry": event.subject }, "Retry") : null;
    this.list.prepend(element("li", { "data-job": event.subject }, name,
      element("span", { className: "foot" }, element("time", { dateTime: event.at }, timeOfDay(event.at)), retry)));
  }

  async retry(button) {
    button.disabled = true;
    try {
      await this.api.post(`/pdf/jobs/${button.dataset.retry}/retry`);
      say("The job went back into the queue.");
      const item = button.closest("li");
      const next = item.nextElementSibling ?? item.previousElementSibling;
      item.remove();
      (next?.querySelector("button") ?? document.getElementById("main")).focus();
      this.add([]);
    } catch (error) {
      button.disabled = false;
      say(error.message);
      button.closest("li").querySelector(".message")?.remove();
      button.closest("li").insertBefore(element("span", { className: "message alarm" }, error.message), button.closest(".foot"));
    }
  }
}
