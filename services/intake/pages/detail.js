// One complaint: its facts, clocks, possible steps and timeline, in a dialog.

import { Panel, ask, at, el, fill } from "/board/files/parts.js";
import { dueIn, link, move, query, state } from "/board/files/state.js";
import { learnOf, packs, title } from "/board/files/titles.js";
import { moment, number, span, spoken, titled, words } from "/board/files/words.js";

async function one() {
  const id = state.complaint;
  const [found, timeline] = await Promise.all([ask(`/v1/complaints/${id}`), ask(`/v1/complaints/${id}/timeline?${query({ language: spoken() })}`)]);
  await learnOf([found.complaint]);
  return { ...found, timeline };
}

function drawOne({ number: receipt, stage, cycle, outcome, possible, explanation, held_back: heldBack, asked, lacking, clocks = [], complaint, timeline }) {
  const { given, pack, solution, dispatched, graded } = complaint;
  const routed = dispatched?.[cycle] ?? dispatched?.[cycle - 1];
  const grading = graded?.[cycle] ?? graded?.[cycle - 1];
  at("detail-title").textContent = `${receipt} · ${title("stages", stage)}`;
  const product = [complaint.revised?.product?.name ?? given.product?.name, given.product?.model, given.product?.batch].filter(Boolean).join(" · ");
  const scores = Object.values(complaint.scores ?? {}).filter((score) => score !== null);
  const facts = [
    [words.names.outcome, title("outcomes", outcome)], [words.names.grade, title("grades", grading?.grade, pack)], [words.names.class, title("classes", grading?.class, pack)],
    [words.names.product, product], [words.names.lead, title("departments", routed?.lead, pack)],
    [words.department, routed?.departments?.map((each) => title("departments", each, pack)).join(", ")], [words.handler, complaint.handler],
    [words.names.channel, title("channels", given.channel)], [words.names.pack, titled(packs.get(pack)?.title) ?? pack], [words.registered, moment(complaint.registered_at)],
    [words.since, moment(complaint.since)], [words.ended, complaint.closed_at && moment(complaint.closed_at)], [words.cycle, cycle > 1 ? number(cycle) : null],
    [words.cause, complaint.root_cause], [words.measure, solution?.measure], [words.score, scores.length ? number(scores.at(-1)) : null],
    [words.heldBack, heldBack.join(", ")], [words.lacking, lacking.join(", ")],
  ].filter(([, value]) => value);
  const part = (heading, content) => [el("h3", {}, heading), content];
  return [
    el("dl", { class: "facts" }, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    part(words.clocks, clocks.length
      ? el("ul", {}, clocks.map((each) => el("li", {}, title("clocks", each.clock, pack), each.department ? ` (${title("departments", each.department, pack)})` : "", ": ", moment(each.due), " · ", dueIn(each.due))))
      : el("p", { class: "quiet" }, words.noClocks)),
    part(words.steps, possible.length
      ? el("ul", { class: "steps" }, possible.map((step) => el("li", {}, title("steps", step), asked[step]?.length ? el("span", { class: "quiet" }, ` ${words.asked(asked[step].join(", "))}`) : null)))
      : el("p", { class: "quiet" }, words.noSteps)),
    explanation[cycle] ? part(words.why, el("ul", {}, titled(explanation[cycle]).map((each) => el("li", {}, each)))) : null,
    part(words.timeline, el("ol", { class: "timeline" }, timeline.map((each) => el("li", {},
      el("time", { datetime: each.time }, moment(each.time)), el("span", {}, each.words), each.after >= 1 ? el("span", { class: "quiet" }, words.after(span(each.after))) : null)))),
  ].flat(2);
}

export const detail = new Panel("about", one, drawOne);

let cameFrom = null;

/** Remember which link was followed: there the focus goes back. */
export const comeFrom = (key) => { cameFrom = key; };

export function openOne() {
  const dialog = at("detail");
  if (!state.complaint) {
    if (dialog.open) dialog.close();
    return;
  }
  fill(at("about"));
  at("detail-title").textContent = words.loading;
  detail.said = undefined;
  detail.refresh();
  if (!dialog.open) dialog.showModal();
  at("detail-title").focus();
}

/** Esc, the button and a click beside it all end here. */
export function closedOne() {
  if (state.complaint) history.replaceState(null, "", link({}));
  move();
  [...document.querySelectorAll("[data-key]")].find((each) => each.getAttribute("data-key") === cameFrom)?.focus();
}
