// What is known of the course beside its members: settings, problems, the log. Loaded when looked at.
import { bdi, fill, make, moment, page, words } from "../console/dom.js";
import { load, sentenceOf } from "./api.js";

const SHOWN = { settings: showSettings, problems: showProblems, history: showHistory };

// `onUndo` is told the id of a change that is to be taken back.
export async function showDetails(name, onUndo) {
  const show = SHOWN[name];
  if (!show) return;
  const place = document.getElementById(`${name}-content`);
  place.setAttribute("aria-busy", "true");
  if (!place.childElementCount) place.replaceChildren(make("p", { role: "status" }, words.loading));
  try {
    place.replaceChildren(...show(await load(name), onUndo));
  } catch (error) {
    place.replaceChildren(make("p", { class: "error", role: "alert" }, sentenceOf(error)));
  }
  place.removeAttribute("aria-busy");
}

function showSettings({ settings }) {
  if (!settings.length) return [make("p", {}, words.no_settings)];
  const row = ({ name, value, source }) =>
    make("tr", {}, make("th", { scope: "row" }, make("code", {}, name)), make("td", {}, bdi(value)), make("td", { class: "quiet setting-source", "data-label": words.where_from }, source));
  const head = make("tr", {}, ...[words.setting, words.value, words.where_from].map((text) => make("th", { scope: "col" }, text)));
  const table = make("table", { class: "settings" }, make("thead", {}, head), make("tbody", {}, ...settings.map(row)));
  return [make("div", { class: "wide-content", tabIndex: 0, role: "region", "aria-label": words.settings_title }, table)];
}

function showProblems({ note, problems }) {
  const found = note ? [make("p", { class: "warning" }, note)] : [];
  if (!problems.length) return [...found, make("p", {}, words.no_problems)];
  const item = ({ kind, text }) => make("li", { class: "problem" }, make("strong", {}, `${kind}: `), bdi(text));
  return [...found, make("ul", { class: "problems" }, ...problems.map(item))];
}

function showHistory({ entries, may_undo: mayUndo }, onUndo) {
  if (!entries.length) return [make("p", {}, words.no_history)];
  const item = ({ at, actor, text, people, change }) =>
    make(
      "li",
      {},
      make("span", { class: "quiet" }, `${moment(at, Date.now(), true)} `),
      make("strong", {}, bdi(actor)),
      ` ${text}`,
      people.length ? make("ul", { class: "people-changed" }, ...people.map(peopleItem)) : "",
      change ? make("div", { class: "change-actions" }, saveLink(change), mayUndo ? undoButton(change, onUndo) : "") : "",
    );
  return [make("ol", { class: "log history" }, ...entries.map(item))];
}

function saveLink(change) {
  return make("a", { class: "button quiet-button", href: `${page.path}/history/${change}.csv`, download: "" }, words.save_change);
}

function undoButton(change, onUndo) {
  return make("button", { type: "button", class: "quiet-button", onclick: () => onUndo(change) }, words.undo);
}

function peopleItem({ sign, role, usernames, more }) {
  const names = usernames.flatMap((name, index) => (index ? [", ", bdi(name)] : [bdi(name)]));
  const kind = sign === "+" ? "added" : "removed";
  const said = make("span", { class: "hidden-text" }, sign === "+" ? words.was_added : words.was_removed);
  const shown = make("span", { class: `sign ${kind}` }, sign === "+" ? "+" : "−");
  shown.setAttribute("aria-hidden", "true");
  return make("li", {}, shown, said, ` ${role}: `, ...names, more ? ` ${fill(words.and_more, { count: more })}` : "");
}
