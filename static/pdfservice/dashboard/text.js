// How numbers, durations and times are written: the same as jobs_app/templatetags/dashboard.py.

const NOTHING = "–";
const whole = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export const count = (value) => (value === null || value === undefined ? NOTHING : whole.format(value));

export function milliseconds(value) {
  if (value === null || value === undefined) return NOTHING;
  if (value < 1000) return `${value} ms`;
  if (value < 100_000) return `${(value / 1000).toFixed(1)} s`;
  return `${Math.floor(value / 60_000)} min ${Math.floor(value / 1000) % 60} s`;
}

// What fits beside an axis.
export function shortMilliseconds(value) {
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 60_000) return `${+(value / 1000).toFixed(1)} s`;
  return `${+(value / 60_000).toFixed(1)} min`;
}

export function age(iso, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

export const timeOfDay = (iso) => clock.format(new Date(iso));

// The server writes times in UTC, since it does not know where its readers are.
export function localTimes(root = document) {
  for (const each of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(each.dateTime);
    const isToday = moment.toDateString() === new Date().toDateString();
    each.title = moment.toISOString();
    each.textContent = isToday ? clock.format(moment) : day.format(moment);
  }
}

export const actionName = (action) => (action.split(".")[1] ?? action).replaceAll("_", " ");

// An element with attributes and children; text is text, never HTML.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key in made && key !== "list" && key !== "form") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Said once to screen readers, and only what somebody asked for.
export function say(text) {
  document.getElementById("said").textContent = text;
}
