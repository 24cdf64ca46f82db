// Charts as inline SVG: each with a name that tells what it shows, and the same figures as a table below it.

import { el, svg, table } from "/board/files/parts.js";
import { words } from "/board/files/words.js";

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [340, 150, 38, 12, 20];
const FLOOR = HEIGHT - BOTTOM;

/** The next figure above that reads well on an axis. */
function rounded(most) {
  const power = 10 ** Math.floor(Math.log10(most || 1));
  return [1, 2, 4, 5, 10].map((each) => each * power).find((each) => each >= most) ?? most;
}

function frame(name, count, most, format, marks) {
  const lines = [0, most / 2, most].map((value) => {
    const y = FLOOR - ((FLOOR - TOP) * value) / most;
    return [
      svg("line", { class: value ? "grid" : "axis", x1: LEFT, x2: WIDTH, y1: y, y2: y }),
      svg("text", { class: "tick", x: LEFT - 5, y: y + 3.5, "text-anchor": "end" }, format(value)),
    ];
  });
  return svg("svg", { class: "chart", role: "img", "aria-label": name, viewBox: `0 0 ${WIDTH} ${HEIGHT}` }, lines, marks(
    (index) => LEFT + ((index + 0.5) * (WIDTH - LEFT)) / count,
    (value) => FLOOR - ((FLOOR - TOP) * value) / most,
    (WIDTH - LEFT) / count,
  ));
}

/** Labels below, so many that none touches another; the last one always. */
function labels(points, x) {
  const every = Math.ceil(points.length / 7);
  return points.map((point, index) =>
    (points.length - 1 - index) % every ? null : svg("text", { class: "tick", x: x(index), y: HEIGHT - 5, "text-anchor": "middle" }, point.label));
}

/** The whole column of a point: what a pointer finds; by keyboard the same lies in the table. */
function target(point, index, x, step) {
  const open = point.href ? { click: () => { location.hash = point.href; }, class: "target opens" } : { class: "target" };
  return svg("rect", { ...open, x: x(index) - step / 2, y: 0, width: step, height: HEIGHT }, svg("title", {}, point.told));
}

/** Columns; of each value the `part` is drawn strong. Points: {label, told, value, part?, href?}. */
export function columns(name, points, format, whole = 0) {
  const most = rounded(Math.max(whole, ...points.map((point) => point.value ?? 0)));
  return frame(name, points.length, most, format, (x, y, step) => [
    points.map(({ value, part = value }, index) => {
      const box = (of, kind) => svg("rect", { class: kind, x: x(index) - step * 0.32, width: step * 0.64, y: y(of), height: Math.max(0, FLOOR - y(of)), rx: 1.5 });
      return [value ? box(value, "pale") : null, part ? box(part, "strong") : null];
    }),
    labels(points, x),
    points.map((point, index) => target(point, index, x, step)),
  ]);
}

/** A line with gaps where there is no value, and its interval where one is given (low, high). */
export function line(name, points, format, most) {
  return frame(name, points.length, most, format, (x, y, step) => {
    const runs = [];
    points.forEach(({ value }, index) => {
      if (value === null || value === undefined) runs.push([]);
      else (runs.at(-1) ?? (runs.push([]), runs.at(-1))).push(`${x(index)},${y(value)}`);
    });
    return [
      points.map(({ low, high }, index) =>
        low === null || low === undefined ? null : svg("line", { class: "interval", x1: x(index), x2: x(index), y1: y(low), y2: y(high) })),
      runs.filter((run) => run.length > 1).map((run) => svg("polyline", { class: "line", points: run.join(" ") })),
      points.map(({ value }, index) =>
        value === null || value === undefined ? null : svg("circle", { class: "dot", cx: x(index), cy: y(value), r: 3 })),
      labels(points, x),
      points.map((point, index) => target(point, index, x, step)),
    ];
  });
}

/** A chart with its title above. */
export const figure = (title, chart, legend = null) => el("figure", {}, el("figcaption", {}, title, legend), chart);

/** The same figures as a table, folded. */
export const folded = (key, caption, heads, rows) =>
  el("details", { "data-key": key }, el("summary", {}, words.asTable), el("div", { class: "wide" }, table(caption, heads, rows)));
