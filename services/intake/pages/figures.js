// Everything above the ledger: key figures, what is pressing, stages, forecast, warnings, months, who holds what.

import { columns, figure, folded, line } from "/board/files/charts.js";
import { Panel, ask, el, fill, table } from "/board/files/parts.js";
import { dueIn, filtersOf, link, midnight, monthBefore, narrow, query, whole } from "/board/files/state.js";
import { learnOf, title } from "/board/files/titles.js";
import { date, day, decimal, moment, month, number, percent, shortMonth, span, spoken, words } from "/board/files/words.js";

const URGENT = 6, MONTHS = 12, DAYS = 14;

/** Figures; without a period those of this month, as the house reckons months. */
export const statistics = (asked) => ask(`/v1/statistics?${query(asked)}`);

/** The same answer for all who ask at once. */
function together(work) {
  let under = null;
  return () => (under ??= work().finally(() => setTimeout(() => { under = null; }, 50)));
}
const inHand = together(() => ask("/v1/holdings"));
const ahead14 = together(() => ask(`/v1/forecast?days=${DAYS}`));

async function keyFigures() {
  const [hand, month, forecast] = await Promise.all([inHand(), statistics({}), ahead14()]);
  return [hand, month, forecast];
}

function drawNumbers([hand, month, { overdue, days: [today] }]) {
  const { on_time: kept, satisfaction, complaints, closed } = month.total;
  const since = filtersOf(month.list);
  const card = (name, value, note, filters, kind = "") =>
    el("li", {}, narrow(filters, [
      el("span", { class: "name" }, name), el("span", { class: `value ${kind}` }, value), el("span", { class: "quiet" }, note),
    ], { class: "number", "data-key": name }));
  return el("ul", { class: "numbers" },
    card(words.open, number(hand.open), words.stillRunning, { open: "true" }),
    card(words.overdue, number(overdue), words.clockRanOut, { overdue: "true" }, overdue ? "alert" : ""),
    card(words.dueToday, number(today.due), words.today, filtersOf(today.list)),
    card(words.received, number(complaints), words.closedOf(number(closed)), since),
    card(words.onTime, percent(kept.rate), kept.judged ? words.inTimeOf(number(kept.in_time), number(kept.judged)) : words.noneJudged, since),
    card(words.satisfaction, decimal(satisfaction.mean),
      satisfaction.answered ? words.answersOf(number(satisfaction.answered), number(satisfaction.asked)) : words.noAnswers, since),
  );
}

function drawStages({ stages: open }) {
  if (!open.length) return el("p", { class: "quiet" }, words.nothingOpen);
  const most = Math.max(...open.map((each) => each.open));
  return el("ol", { class: "bars" }, open.map((each) => {
    const bar = el("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${(100 * each.open) / most}%`;
    return el("li", {}, narrow(filtersOf(each.list), [
      el("span", {}, title("stages", each.stage)), " ", el("span", { class: "count" }, number(each.open)), el("span", { class: "track" }, bar),
    ]));
  }));
}

// what is pressing

async function pressing() {
  const wanted = { sort: "due", page_size: URGENT };
  const [late, next] = await Promise.all([
    ask(`/v1/complaints?${query(wanted, { overdue: true })}`), ask(`/v1/complaints?${query(wanted, { due_from: new Date().toISOString() })}`),
  ]);
  const found = [late.complaints, next.complaints];
  await learnOf(found.flat());
  return found;
}

function drawUrgent([late, next]) {
  const list = (heading, entries, none) => [
    el("h3", {}, heading),
    entries.length ? el("ul", { class: "urgent" }, entries.map((each) => el("li", {},
      whole(each.id, each.number, { class: "mono" }), el("span", { class: "due" }, dueIn(each.due)),
      el("span", { class: "quiet" }, [title("grades", each.grade, each.pack), title("stages", each.stage), title("departments", each.lead, each.pack)].filter(Boolean).join(" · ")),
    ))) : el("p", { class: "quiet" }, none),
  ];
  return [...list(words.overdue, late, words.nothingOverdue), ...list(words.dueSoon, next, words.nothingDue)].flat();
}

function drawForecast({ days }) {
  const points = days.map(({ date, due, list }) => ({
    label: day(date, { day: "numeric" }), value: due, told: words.dueOn(due, day(date)), href: link({ filters: filtersOf(list) }),
  }));
  const rows = days.map(({ date, due, list }) => [day(date, { month: "short", day: "numeric", weekday: "short" }), narrow(filtersOf(list), number(due))]);
  return [
    columns(`${words.forecast}: ${points.map((each) => each.told).join(", ")}`, points, number),
    folded("forecast", words.forecast, [words.day, words.due], rows),
  ];
}

const KINDS = { department: "departments", class: "classes", grade: "grades" };

function drawTrends({ trends }) {
  if (!trends.length) return el("p", { class: "quiet" }, words.noTrends);
  return el("ul", { class: "trends" }, trends.map((each) => {
    const subject = Object.entries(each.subject).filter(([, value]) => value).map(([name, value]) => title(KINDS[name], value)).join(", ");
    const evidence = el("ul", {});
    const shown = el("details", { "data-key": each.id, toggle: () => { if (shown.open && !evidence.hasChildNodes()) showEvidence(each.id, evidence); } },
      el("summary", {}, words.evidence(each.evidence.length)), evidence);
    return el("li", {},
      el("strong", {}, `${words.kinds[each.kind] ?? each.kind} ${subject}`), " ", el("span", { class: "quiet" }, words.signalled(moment(each.signalled_at))),
      el("p", {}, words.observed(number(each.observed), decimal(each.expected))), shown);
  }));
}

async function showEvidence(id, place) {
  const { complaints } = await ask(`/v1/trends/${id}`);
  fill(place, complaints.map((each) => el("li", {}, whole(each.id, each.number, { class: "mono" }))));
}

// month by month

async function monthly() {
  const { groups } = await statistics({ by: "month", from: midnight(-400), to: midnight(1) });
  const known = new Map(groups.map((each) => [each.key.month, each]));
  const [last] = groups.slice(-1).map((each) => each.key.month);
  if (!last) return [];
  const names = Array.from({ length: MONTHS }, (_, index) => monthBefore(last, MONTHS - 1 - index));
  return names.slice(names.findIndex((name) => known.has(name))).map((name) => ({ name, ...known.get(name) }));
}

function drawMonths(found) {
  if (!found.length) return el("p", { class: "quiet" }, words.noMonths);
  const points = (value, told, more = () => ({})) => found.map(({ name, figures, list }) => ({
    label: shortMonth(name), value: figures ? value(figures) : null, told: `${month(name)}: ${figures ? told(figures) : "–"}`,
    href: list && link({ filters: filtersOf(list) }), ...(figures ? more(figures) : {}),
  }));
  const named = (what, all) => `${what}. ${all.map((each) => each.told).join("; ")}`;
  const received = points((f) => f.complaints, (f) => `${number(f.complaints)}, ${words.closedOf(number(f.closed))}`, (f) => ({ part: f.closed }));
  const kept = points((f) => f.on_time.rate, (f) => percent(f.on_time.rate));
  const [unit, size] = words.units.find(([, size]) => found.some(({ figures }) => figures?.resolution.median_s >= 2 * size)) ?? words.units.at(-1);
  const resolved = points((f) => f.resolution.median_s / size, (f) => span(f.resolution.median_s));
  const scores = points((f) => f.satisfaction.mean, (f) => decimal(f.satisfaction.mean), (f) => ({ low: f.satisfaction.mean_low, high: f.satisfaction.mean_high }));
  const inUnits = (value) => `${Number.isInteger(value) ? number(value) : decimal(value)} ${unit}`;
  const rows = found.toReversed().map(({ name, figures, list }) => [
    month(name), figures ? narrow(filtersOf(list), number(figures.complaints)) : "0", number(figures?.closed ?? 0), percent(figures?.on_time.rate),
    span(figures?.resolution.median_s), decimal(figures?.satisfaction.mean),
    el("a", { href: `/v1/reports/${name}?${query({ format: "html", language: spoken() })}`, "aria-label": words.reportOf(month(name)) }, words.report),
  ]);
  return [
    el("div", { class: "charts" },
      figure(words.receivedClosed, columns(named(words.receivedClosed, received), received, number)),
      figure(words.onTimeRate, line(named(words.onTimeRate, kept), kept, percent, 1)),
      figure(words.medianResolve, columns(named(words.medianResolve, resolved), resolved, inUnits)),
      figure(words.meanScore, line(named(words.meanScore, scores), scores, number, 10))),
    folded("months", words.months, [words.month, words.receivedShort, words.closedShort, words.onTimeRate, words.medianResolve, words.scoreShort, words.report], rows),
  ];
}

function drawHolders({ holders }) {
  if (!holders.length) return el("p", { class: "quiet" }, words.noHolders);
  const counted = (each, count, more = {}) => (each.list ? narrow({ ...filtersOf(each.list), ...more }, number(count), { "data-key": `${each.list} ${Object.keys(more)}` }) : number(count));
  const rows = holders.map((each) => [
    [each.department ? title("departments", each.department) : words.holding[each.kind], each.handler ? el("div", { class: "quiet" }, each.handler) : null],
    counted(each, each.open), each.overdue ? counted(each, each.overdue, { overdue: "true" }) : "0", date(each.since),
  ]);
  return el("div", { class: "wide" }, table(words.holders, [words.holder, words.openOnes, words.overdueOnes, words.oldest], rows, { class: "figures" }));
}

export const numbers = new Panel("numbers", keyFigures, drawNumbers);
export const stages = new Panel("stages", inHand, drawStages);
export const urgent = new Panel("urgent", pressing, drawUrgent);
export const ahead = new Panel("forecast", ahead14, drawForecast);
export const months = new Panel("months", monthly, drawMonths);
export const trends = new Panel("trends", () => ask("/v1/trends?state=open"), drawTrends);
export const holders = new Panel("holders", inHand, drawHolders);
