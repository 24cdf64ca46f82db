// The board: all its parts together, kept up by the ledger's live stream.

import { closedOne, comeFrom, detail, openOne } from "/board/files/detail.js";
import { ahead, holders, months, numbers, stages, trends, urgent } from "/board/files/figures.js";
import { count, drawChips, drawFilters, filterBy, forget, narrowed, relate, rows } from "/board/files/ledger.js";
import { ask, at, paced } from "/board/files/parts.js";
import { link, move, state } from "/board/files/state.js";
import { learn } from "/board/files/titles.js";
import { views } from "/board/files/views.js";
import { speak, spoken, words } from "/board/files/words.js";

const PRESSING = [numbers, stages, urgent], SLOW = [ahead, trends, holders], ALL = [...PRESSING, ...SLOW, months, views, rows, detail];

const refresh = (panels) => Promise.all(panels.map((each) => each.refresh()));
const soon = paced(() => Promise.all([refresh(PRESSING), count()]), 2_000);
const later = paced(() => refresh(SLOW), 60_000);

/** Say a thing once to whoever listens to the page. */
const announce = (text) => { at("announcer").textContent = text; };
const changes = new Set();
const tell = paced(() => { announce(words.changed(changes.size)); changes.clear(); }, 10_000);

/** A change to a complaint: its row at once, the figures soon after. */
function heard(entry) {
  changes.add(entry.id);
  tell();
  soon();
  later();
  if (state.complaint === entry.id) detail.refresh();
  relate(entry);
}

let source = null, lost = false;

function listen() {
  source = new EventSource("/v1/complaints:live");
  source.addEventListener("open", () => {
    showLive("live");
    if (lost) refresh(ALL.filter((each) => each !== detail)).then(count);
    lost = false;
  });
  source.addEventListener("error", () => {
    showLive("reconnecting");
    if (source.readyState !== EventSource.CLOSED) return;
    lost = true;
    setTimeout(listen, 3_000);
  });
  source.addEventListener("complaint", (event) => heard(JSON.parse(event.data)));
}

function showLive(how) {
  const place = at("live");
  place.dataset.state = how;
  place.textContent = words[how];
}

function speakAll(wanted) {
  speak(wanted);
  document.title = words.title;
  for (const each of document.querySelectorAll("[data-word]")) each.textContent = words[each.dataset.word];
  for (const each of document.querySelectorAll("[data-label]")) each.setAttribute("aria-label", words[each.dataset.label]);
  for (const each of at("languages").children) each.setAttribute("aria-pressed", String(each.value === spoken()));
  showLive(at("live").dataset.state ?? "connecting");
  for (const each of ALL) each.redraw();
}

function moved() {
  const before = move();
  const spokenNow = state.lang ?? localStorage.getItem("redress language") ?? document.documentElement.lang;
  const other = spokenNow !== spoken();
  if (other || !before.filters) speakAll(spokenNow);
  const said = ({ filters, sort }) => JSON.stringify([filters, sort]);
  if (!before.filters || said(before) !== said(state)) {
    drawFilters();
    narrowed().then(() => before.filters && announce(at("count").textContent));
  } else if (other) {
    drawFilters();
    drawChips();
    count();
  }
  if (before.complaint !== state.complaint) openOne();
}

/** Links into the ledger and to complaints; a whole row opens what its link opens. */
function follow(event) {
  const { target } = event;
  const followed = target.closest("a[href^='#']");
  if (followed?.dataset.goes === "ledger") {
    forget();
    at("ledger-title").focus();
  }
  if (followed?.dataset.opens && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    comeFrom(followed.dataset.key);
    location.hash = link({ complaint: followed.dataset.opens });
  }
  const row = target.closest("table.ledger tbody tr");
  if (row && !followed && !getSelection().toString()) row.querySelector("a").click();
}

function wire() {
  addEventListener("hashchange", moved);
  at("skip").addEventListener("click", (event) => { event.preventDefault(); at("ledger-title").focus(); });
  at("languages").addEventListener("click", ({ target }) => {
    if (!target.value) return;
    localStorage.setItem("redress language", target.value);
    location.hash = link({ lang: target.value });
  });
  at("sign-out").addEventListener("click", async () => { await ask("/board/session", { method: "DELETE" }); location.replace("/board"); });
  at("filters").addEventListener("submit", (event) => { event.preventDefault(); filterBy(); });
  at("filters").addEventListener("change", ({ target }) => { if (target.tagName === "SELECT") filterBy(); });
  document.addEventListener("click", follow);
  at("close").addEventListener("click", () => at("detail").close());
  at("detail").addEventListener("click", ({ target }) => { if (target === at("detail")) at("detail").close(); });
  at("detail").addEventListener("close", closedOne);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source.close();
    else if (source.readyState === EventSource.CLOSED) { lost = true; listen(); }
  });
}

async function begin() {
  wire();
  await learn().catch(() => {});
  moved();
  listen();
  await Promise.all([refresh([...PRESSING, ...SLOW, months, views])]);
  setInterval(() => { if (!document.hidden) { soon(); later(); urgent.redraw(); rows.redraw(); } }, 60_000);
  setInterval(() => { if (!document.hidden) months.refresh(); }, 30 * 60_000);
}

begin();
