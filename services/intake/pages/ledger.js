// The ledger: its filters, its rows and pages, and how it follows changes.

import { Panel, ask, at, el, fill, paced, table } from "/board/files/parts.js";
import { ENDED, dueIn, link, query, state, whole } from "/board/files/state.js";
import { choices, learnOf, title } from "/board/files/titles.js";
import { statistics } from "/board/files/figures.js";
import { moment, number, spoken, words } from "/board/files/words.js";

const PAGE = 50;
let searched = "";
let turned = []; // the tokens of the pages before

const CHOSEN = { stage: "stages", grade: "grades", department: "departments", class: "classes", channel: "channels" };
const TYPED = ["product", "number"];

/** The form for the usual filters. It is made anew only for other words: nobody loses an open list or half a word. */
export function drawFilters() {
  const form = at("filters");
  const said = JSON.stringify([spoken(), Object.values(CHOSEN).map(choices)]);
  if (form.dataset.said !== said) makeFilters(form);
  form.dataset.said = said;
  for (const each of form.querySelectorAll("select, input:not([type=search])")) {
    const wanted = state.filters[each.name] ?? "";
    if (each.tagName === "SELECT" && wanted && ![...each.options].some(({ value }) => value === wanted)) each.append(el("option", { value: wanted }, wanted));
    if (each.tagName === "SELECT" || each !== document.activeElement) each.value = wanted;
  }
}

function makeFilters(form) {
  const field = (name, control) => el("label", {}, el("span", {}, words.names[name]), control);
  const select = (name, options) => field(name, el("select", { id: `by-${name}`, name },
    el("option", { value: "" }, words.any), options.map(([id, text]) => el("option", { value: id }, text))));
  const input = (name, type) => field(name, el("input", { id: `by-${name}`, name, type, maxlength: 100, value: type === "search" ? searched : "" }));
  fill(form,
    select("open", Object.entries(words.openOrNot)), select("overdue", Object.entries(words.overdueOrNot)),
    Object.entries(CHOSEN).map(([name, kind]) => select(name, choices(kind))),
    TYPED.map((name) => input(name, "text")), input("text", "search"),
    el("button", { id: "apply", class: "main" }, words.apply));
}

export function filterBy() {
  const given = Object.fromEntries([...new FormData(at("filters"))].map(([name, value]) => [name, value.trim()]));
  const shown = Object.keys(given);
  const others = Object.entries(state.filters).filter(([name]) => !shown.includes(name));
  const { text, ...named } = given;
  const again = searched !== text;
  searched = text;
  const filters = Object.fromEntries([...others, ...Object.entries(named).filter(([, value]) => value)]);
  const fragment = link({ filters });
  if (fragment !== location.hash && !(fragment === "#" && !location.hash)) location.hash = fragment;
  else if (again) narrowed();
}

function told(name, value) {
  if (name === "outcome") return title("outcomes", value);
  if (name in CHOSEN) return title(CHOSEN[name], value);
  if (name === "lead") return title("departments", value);
  if (name === "holder") return words.holding[value] ?? value;
  if (name === "open") return words.openOrNot[value];
  if (name === "overdue") return words.overdueOrNot[value];
  return /(registered|closed|due)_/.test(name) ? moment(value) : value;
}

export function drawChips() {
  const all = Object.entries(state.filters);
  const without = (gone) => link({ filters: Object.fromEntries(all.filter(([name]) => name !== gone)) });
  const chip = (name, value, remove) => {
    const what = `${words.names[name] ?? name}: ${value}`;
    return el("li", {}, el("button", { type: "button", class: "chip", "aria-label": words.remove(what), click: remove }, what, el("span", { "aria-hidden": "true" }, " ×")));
  };
  const chips = all.map(([name, value]) => chip(name, told(name, value), () => { location.hash = without(name); at("ledger-title").focus(); }));
  if (searched) chips.push(chip("text", searched, () => { searched = ""; at("by-text").value = ""; narrowed(); at("ledger-title").focus(); }));
  const clear = el("button", { type: "button", class: "plain", click: () => {
    searched = "";
    at("filters").reset();
    location.hash = link({ filters: {} });
    narrowed();
    at("ledger-title").focus();
  } }, words.clear);
  fill(at("chips"), chips.length ? el("ul", { class: "chips" }, chips, el("li", {}, clear)) : []);
}

function drawExports() {
  for (const format of ["csv", "xlsx"]) at(format).href = `/v1/complaints:export?${query(state.filters, { format })}`;
}

const JUDGED = {
  open: (entry, value) => String(!ENDED.includes(entry.stage)) === value,
  overdue: (entry, value) => String(entry.overdue) === value,
  department: (entry, value) => entry.departments.includes(value),
  due_from: (entry, value) => entry.due && new Date(entry.due) >= new Date(value),
  due_before: (entry, value) => entry.due && new Date(entry.due) < new Date(value),
  registered_from: (entry, value) => new Date(entry.registered_at) >= new Date(value),
  closed_from: (entry, value) => entry.closed_at && new Date(entry.closed_at) >= new Date(value),
  closed_to: (entry, value) => entry.closed_at && new Date(entry.closed_at) < new Date(value),
  registered_to: (entry, value) => new Date(entry.registered_at) < new Date(value),
};

/** Whether the list takes a complaint that was heard of; null where only the server can tell. */
function takes(entry) {
  if (searched) return null;
  let found = true;
  for (const [name, value] of Object.entries(state.filters)) {
    if (!(name in JUDGED) && !(name in entry)) return null;
    found &&= Boolean(name in JUDGED ? JUDGED[name](entry, value) : String(entry[name]) === value);
  }
  return found;
}

let listing = null; // the call under way

async function list() {
  listing?.abort();
  listing = new AbortController();
  const text = searched ? { text: searched } : {};
  const token = turned.length ? { page_token: turned.at(-1) } : {};
  const found = await ask(`/v1/complaints?${query(state.filters, text, { sort: state.sort, page_size: PAGE }, token)}`, { signal: listing.signal });
  if (await learnOf(found.complaints)) drawFilters();
  return { entries: found.complaints, next: found.next_page_token };
}

const fresh = new Set();

function drawRows({ entries, next }) {
  const sorter = (sort, name, told) => ({
    name, attributes: { "aria-sort": state.sort === sort ? (sort === "due" ? "ascending" : "descending") : null },
    content: el("button", { type: "button", class: "plain", title: told, "data-key": `sort ${sort}`, click: () => { location.hash = link({ sort }); } },
      name, el("span", { "aria-hidden": "true" }, state.sort === sort ? (sort === "due" ? " ▲" : " ▼") : "")),
  });
  const names = words.names;
  const heads = [names.number, names.stage, names.grade, names.class, names.product, names.lead, names.handler, names.channel,
    sorter("newest", words.registered, words.newestFirst), sorter("due", words.due, words.dueFirst)];
  const row = (each) => ({
    attributes: { "data-id": each.id, class: [each.overdue ? "late" : "", fresh.has(each.id) ? "fresh" : ""].join(" ").trim() || null },
    cells: [
      whole(each.id, each.number, { class: "mono" }), el("span", { class: `stage ${ENDED.includes(each.stage) ? "ended" : ""}` }, title("stages", each.stage)),
      title("grades", each.grade, each.pack) ?? "–", title("classes", each.class, each.pack) ?? "–", each.product ?? "–",
      title("departments", each.lead, each.pack) ?? "–", each.handler ?? "–", title("channels", each.channel), moment(each.registered_at), dueIn(each.due),
    ],
  });
  const turn = (text, disabled, go) => el("button", { type: "button", disabled, click: () => { go(); rows.refresh(); at("ledger-title").focus(); } }, text);
  const pager = turned.length || next ? el("p", { class: "pager" },
    turn(words.previous, !turned.length, () => turned.pop()), el("span", {}, words.page(turned.length + 1)), turn(words.next, !next, () => turned.push(next))) : null;
  const drawn = entries.length
    ? el("div", { class: "wide" }, table(words.ledgerCaption, heads, entries.map(row), { class: "ledger" }))
    : el("p", { class: "empty" }, words.empty);
  fresh.clear();
  return [drawn, pager];
}

const COUNTED = ["class", "cause", "product", "batch", "channel", "lead", "group", "grade", "outcome", "stage", "pack"];

/** How many there are in all, where figures can tell; else how many are shown. */
export async function count() {
  const place = at("count");
  const { registered_from: from, registered_to: to, ...filters } = state.filters;
  const known = rows.found;
  const told = known ? words.shown(number(known.entries.length), known.next || turned.length) : "";
  if (known && !known.next && !turned.length) place.textContent = words.counted(known.entries.length);
  else if (!from || !to || searched || Object.keys(filters).some((name) => !COUNTED.includes(name))) place.textContent = told;
  else place.textContent = await statistics({ ...filters, from, to }).then(({ total }) => words.counted(total.complaints), () => told);
}

/** Draw the list of what the address, or a search, asks for now. */
export async function narrowed() {
  turned = [];
  drawChips();
  drawExports();
  await rows.refresh();
  await count();
}

/** Forget what was searched, as links to lists do. */
export function forget() {
  searched = "";
  if (at("by-text")) at("by-text").value = "";
}

/** A change to a complaint that the list may show: its row at once, or the list anew where only the server can tell. */
export function relate(entry) {
  const shown = rows.found?.entries;
  if (!shown) return;
  const taken = takes(entry);
  const index = shown.findIndex((each) => each.id === entry.id);
  if (taken === null || state.sort === "due") relist();
  if (index >= 0) shown[index] = entry;
  else if (taken && !turned.length && state.sort === "newest" && !(shown[0]?.registered_at > entry.registered_at)) shown.unshift(entry);
  else return;
  if (taken === false) shown.splice(index, 1);
  shown.splice(PAGE);
  fresh.add(entry.id);
  rows.said = undefined;
  learnOf([entry]).then((more) => { if (more) drawFilters(); rows.redraw(); });
}

export const rows = new Panel("rows", list, drawRows);
const relist = paced(() => rows.refresh(), 2_000);
