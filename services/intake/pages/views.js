// Saved views: filters under a name, one's own or everybody's.

import { Panel, ask, el } from "/board/files/parts.js";
import { filtersOf, narrow, state } from "/board/files/state.js";
import { words } from "/board/files/words.js";

function drawViews(all) {
  const change = (name, method, body) =>
    ask(`/v1/views/${encodeURIComponent(name)}`, { method, body }).then(() => views.refresh(), (problem) => { refusal.textContent = problem.message; });
  const item = ({ name, list, shared }) => el("li", {}, narrow(filtersOf(list), name), shared ? el("span", { class: "quiet" }, ` (${words.sharedShort})`) : null, " ",
    el("button", { type: "button", class: "plain", "aria-label": words.deleteView(name), click: () => change(name, "DELETE") }, "×"));
  const form = el("form", { class: "filters", submit: (event) => {
    event.preventDefault();
    change(form.elements.name.value.trim(), "PUT", { filters: state.filters, shared: form.elements.shared.checked });
  } },
  el("label", {}, el("span", {}, words.viewName), el("input", { id: "view-name", name: "name", required: true, maxlength: 60, pattern: "[^\\/]*[^\\s\\/][^\\/]*" })),
  el("label", { class: "check" }, el("input", { id: "view-shared", name: "shared", type: "checkbox" }), el("span", {}, words.shared)),
  el("button", {}, words.save));
  const refusal = el("p", { class: "alert", role: "alert" });
  return el("div", { class: "views" },
    el("h3", {}, words.views), all.length ? el("ul", { class: "chips" }, all.map(item)) : el("p", { class: "quiet" }, words.noViews),
    el("details", { "data-key": "save" }, el("summary", {}, words.save), form), refusal);
}

export const views = new Panel("views", () => ask("/v1/views"), drawViews);
