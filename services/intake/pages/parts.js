// What every part of the board is made of: elements, tables, panels that may fail alone, and calls of the API.

import { words } from "/board/files/words.js";

function made(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const el = (tag, attributes = {}, ...children) => made(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) =>
  made(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
export const at = (id) => document.getElementById(id);

const keyOf = (node) => node.id || node.getAttribute("data-key") || node.getAttribute("href") || node.textContent;

/** Put children in place of what was there; who had the focus has it again, and what was unfolded stays so. */
export function fill(place, ...children) {
  const had = place.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  const unfolded = [...place.querySelectorAll("details[open]")].map((each) => each.getAttribute("data-key"));
  place.replaceChildren(...children.flat(Infinity).filter(Boolean));
  for (const each of place.querySelectorAll("details")) each.open = unfolded.includes(each.getAttribute("data-key"));
  if (had !== null && !place.contains(document.activeElement)) {
    const again = [...place.querySelectorAll("a, button, input, select, summary, [tabindex]")].find((each) => keyOf(each) === had);
    again?.focus({ preventScroll: true });
  }
}

/** A table; a cell is a node or a text. `roles` keep it a table where it is laid out as cards. */
export function table(caption, heads, rows, attributes = {}) {
  const head = (each) => el("th", { scope: "col", role: "columnheader", ...each.attributes }, each.content ?? each);
  const cell = (content, index) => {
    const name = heads[index].name ?? (typeof heads[index] === "string" ? heads[index] : "");
    return index
      ? el("td", { role: "cell", "data-name": name }, content)
      : el("th", { scope: "row", role: "rowheader", "data-name": name }, content);
  };
  return el(
    "table", { role: "table", ...attributes },
    el("caption", { class: "unseen" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads.map(head))),
    el("tbody", { role: "rowgroup" }, rows.map((row) => el("tr", { role: "row", ...row.attributes }, (row.cells ?? row).map(cell)))),
  );
}

export class Refused extends Error {}

/** Call the API by the browser's session. Throws Refused with the problem's own words. */
export async function ask(path, { method = "GET", body, signal } = {}) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  const answer = await fetch(path, { method, headers, signal, body: body && JSON.stringify(body) });
  if (answer.status === 401) {
    location.reload();
    return new Promise(() => {});
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refused(problem.detail ?? problem.title ?? `${answer.status}`);
  }
  return answer.status === 204 ? null : answer.json();
}

/** A part of the page that loads by itself, and says in words if it cannot, while all others go on. */
export class Panel {
  constructor(id, load, draw) {
    this.place = at(id);
    [this.load, this.draw] = [load, draw];
  }

  async refresh() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.place.setAttribute("aria-busy", "true");
    if (!this.place.hasChildNodes()) fill(this.place, el("p", { class: "quiet" }, words.loading));
    try {
      const found = await this.load();
      if (turn === this.turn) this.show(found);
    } catch (problem) {
      if (turn === this.turn && problem.name !== "AbortError") this.fail(problem);
    }
    if (turn === this.turn) this.place.removeAttribute("aria-busy");
  }

  /** Draw what was found, unless that is what stands there. */
  show(found) {
    const said = JSON.stringify(found);
    if (said === this.said) return;
    [this.said, this.found] = [said, found];
    this.redraw();
  }

  redraw() {
    if (this.found !== undefined) fill(this.place, this.draw(this.found));
  }

  fail(problem) {
    this.said = this.found = undefined;
    fill(
      this.place,
      el("p", { class: "failed" }, `${words.failed} `, el("span", { class: "quiet" }, problem.message)),
      el("button", { type: "button", click: () => this.refresh() }, words.retry),
    );
  }
}

/** Work that is asked for often and done seldom: at once after a quiet time, then at most every `pause` ms. */
export function paced(work, pause) {
  let waiting = null;
  let free = 0;
  return () => {
    waiting ??= setTimeout(async () => {
      waiting = null;
      const begun = performance.now();
      free = begun + pause;
      await work();
      free = Math.max(free, performance.now() + 10 * (performance.now() - begun));
    }, Math.max(100, free - performance.now()));
  };
}
