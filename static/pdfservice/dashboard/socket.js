// The line to the server: says when it is lost, comes back by itself, and goes on where it was.

const NOT_ALLOWED = 4403;
// The server speaks at least every five seconds.
const SILENT_MS = 15_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 20_000;

export class Line {
  // `after`: up to which event the page knows everything. `seen`: those above it that it knows already.
  constructor({ team, after, seen, onMessage, onState }) {
    this.team = team;
    this.floor = after;
    this.seen = new Set(seen);
    this.onMessage = onMessage;
    this.onState = onState;
    this.failures = 0;
    this.isOver = false;
    addEventListener("online", () => this.retry());
    document.addEventListener("visibilitychange", () => document.hidden || this.retry());
    this.connect();
  }

  connect() {
    clearTimeout(this.pause);
    const address = new URL("/ws/dashboard/", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = new URLSearchParams({ team: this.team, after: this.floor });
    const socket = new WebSocket(address);
    this.socket = socket;
    this.listen();
    socket.addEventListener("message", (event) => this.take(socket, event));
    socket.addEventListener("close", (event) => this.lost(socket, event.code));
  }

  // A line on which nothing comes any more is as good as cut, though nobody said so.
  listen() {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.silence = setTimeout(() => this.lost(socket, 0), SILENT_MS);
  }

  take(socket, event) {
    if (socket !== this.socket) return;
    this.listen();
    const message = JSON.parse(event.data);
    if (message.type === "away") {
      this.onState("lost", "The database is away; these numbers stand still");
      return;
    }
    this.failures = 0;
    this.onState("live", "Live");
    if (message.is_anew) this.seen.clear();
    const events = message.events.filter((each) => !this.seen.has(each.id));
    for (const each of events) this.seen.add(each.id);
    this.floor = Math.max(this.floor, message.floor);
    // Nothing at or below the floor is ever sent again.
    if (this.seen.size > 2000) this.seen = new Set([...this.seen].filter((id) => id > this.floor));
    this.onMessage({ ...message, events });
  }

  lost(socket, code) {
    if (socket !== this.socket || this.isOver) return;
    this.socket = null;
    clearTimeout(this.silence);
    socket.close();
    if (code === NOT_ALLOWED) {
      this.isOver = true;
      this.onState("lost", "You are signed out, or no longer in this team");
      return;
    }
    // Not all at once when a server comes back: half of the pause is chance.
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures) * (0.5 + Math.random() / 2);
    this.failures += 1;
    this.onState("lost", "Connection lost, trying again");
    this.pause = setTimeout(() => this.connect(), pause);
  }

  retry() {
    if (!this.socket && !this.isOver) this.connect();
  }
}
