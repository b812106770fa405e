// Small plots in SVG: lines, bars and a scale, drawn anew when their numbers change.

const SPACE = "http://www.w3.org/2000/svg";
const WIDTH = 300;

function draw(name, attributes, text) {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// A number with one digit, at or above: the top of a scale.
export function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 3, 4, 5, 6, 8, 10].find((each) => each * power >= value) * power;
}

// `series`: [{ values, className, isBars, isArea }], null where there is nothing. `label` names the plot to those who
// do not see it; `format` writes the scale; `marks`: places (0 to 1) of thin lines; `dots`: [{ x, y }] in values.
export function plot(host, { series, label, format = String, marks = [], dots = [], edges = ["60 min ago", "now"] }) {
  const height = host.clientHeight || 104;
  const bottom = height - 14;
  const all = series.flatMap((each) => each.values).concat(dots.map((each) => each.y));
  const top = roundUp(Math.max(0, ...all.filter((value) => value !== null)));
  const y = (value) => bottom - (value / top) * (bottom - 12);
  // Stretched to its place; so texts lie in a second picture, which is not.
  const picture = draw("svg", { viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  for (const level of [0, top / 2, top]) {
    picture.append(draw("line", { class: "grid", x1: 0, x2: WIDTH, y1: y(level), y2: y(level) }));
  }
  for (const place of marks) {
    picture.append(draw("line", { class: "mark", x1: place * WIDTH, x2: place * WIDTH, y1: 12, y2: bottom, "vector-effect": "non-scaling-stroke" }));
  }
  for (const each of series) picture.append(...(each.isBars ? bars(each, y, bottom) : lines(each, y, bottom)));
  for (const each of dots) {
    picture.append(draw("ellipse", { class: "dot-urgent", cx: each.x * WIDTH, cy: y(each.y), rx: 1.6, ry: 2.6 }));
  }
  const texts = draw("svg", { "aria-hidden": "true", class: "texts" });
  texts.append(
    draw("text", { x: 0, y: 9 }, format(top)),
    draw("text", { x: 0, y: height - 2 }, edges[0]),
    draw("text", { x: "100%", y: height - 2, "text-anchor": "end" }, edges[1]),
  );
  host.replaceChildren(picture, texts);
}

function lines({ values, className = "", isArea = false }, y, bottom) {
  const step = WIDTH / Math.max(1, values.length - 1);
  const made = [];
  let path = "";
  let area = "";
  let start = null;
  // A lone value is a short stroke: a line of no length would not be seen.
  const isLone = (place) => (values[place - 1] ?? null) === null && (values[place + 1] ?? null) === null;
  values.forEach((value, place) => {
    if (value === null) {
      if (start !== null && isArea) area += `L${(place - 1) * step} ${bottom}Z`;
      start = null;
      return;
    }
    const point = `${(place * step).toFixed(1)} ${y(value).toFixed(1)}`;
    path += isLone(place) ? `M${point}m-2 0h4` : `${start === null ? "M" : "L"}${point}`;
    area += start === null ? `M${place * step} ${bottom}L${point}` : `L${point}`;
    if (start === null) start = place;
  });
  if (start !== null) area += `L${WIDTH} ${bottom}Z`;
  if (isArea) made.push(draw("path", { class: `area ${className}`, d: area }));
  made.push(draw("path", { class: `line ${className}`, d: path, "vector-effect": "non-scaling-stroke", "stroke-linecap": "round" }));
  return made;
}

function bars({ values, below = [], className = "" }, y, bottom) {
  const step = WIDTH / values.length;
  return values.flatMap((value, place) => {
    if (!value) return [];
    const under = below[place] ?? 0;
    const from = y(under + value);
    return [draw("rect", { class: `bar ${className}`, x: place * step + 0.5, y: from, width: step - 1, height: Math.max(1, (under ? y(under) : bottom) - from) })];
  });
}
