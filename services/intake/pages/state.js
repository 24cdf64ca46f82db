// What the address asks for. Everything but searched words stands in its fragment, so that it can be kept and sent.

import { el } from "/board/files/parts.js";
import { span, words } from "/board/files/words.js";

export const ENDED = ["closed", "archived"];
const BESIDE = ["lang", "sort", "complaint"];

/** What is asked for now: filters, sort, complaint, lang. */
export let state = {};

/** Read the address again; what it asked for before. */
export function move() {
  const before = state;
  state = read();
  return before;
}

function read() {
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const filters = Object.fromEntries(Object.entries(given).filter(([name, value]) => value && !BESIDE.includes(name)));
  return { filters, sort: given.sort === "due" ? "due" : "newest", complaint: given.complaint ?? null, lang: given.lang ?? null };
}

/** The fragment of a state; what is not said stays as it is. */
export function link({ filters = state.filters, sort = state.sort, complaint = null, lang = state.lang }) {
  const beside = { ...(sort === "due" && { sort }), ...(complaint && { complaint }), ...(lang && { lang }) };
  return `#${new URLSearchParams({ ...filters, ...beside })}`;
}

/** The query of an address of the API. */
export const query = (...parts) => new URLSearchParams(Object.assign({}, ...parts)).toString();

/** The filters in the address of a list. */
export const filtersOf = (list) => Object.fromEntries([...new URL(list, location).searchParams].filter(([name]) => !/^(page_|sort)/.test(name)));

/** A link that narrows the ledger, and leads there. */
export const narrow = (filters, content, attributes = {}) =>
  el("a", { href: link({ filters, sort: "newest" }), "data-goes": "ledger", ...attributes }, content);

/** A link that opens a complaint. */
export const whole = (id, content, attributes = {}) =>
  el("a", { href: link({ complaint: id }), "data-opens": id, "data-key": `open ${id}`, ...attributes }, content);

/** The instant at which a day begins here: today, or so many days later. */
export function midnight(days = 0) {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).toISOString();
}

/** A month's name as figures have it: 2026-11. */
/** The month so many before another, such as 2026-09. */
export function monthBefore(month, back) {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 - back, 1)).toISOString().slice(0, 7);
}

/** How long till a clock runs out, or since it did. */
export function dueIn(due) {
  if (!due) return "–";
  const left = (new Date(due) - Date.now()) / 1000;
  return el("span", { class: left < 0 ? "alert" : "" }, left < 0 ? words.late(span(left)) : words.left(span(left)));
}
