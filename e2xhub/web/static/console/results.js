// What became of an action, and how it goes on.
import { session } from "./api.js";
import { bdi, fill, make, page, words } from "./dom.js";

// `lostText` names those of whom nobody knows whether it was done.
export function tellFaults({ refused, lost, error }, lostText = words.unknown) {
  const told = [];
  if (refused.length) {
    told.push(make("p", { class: "error", role: "alert" }, fill(words.not_done, { count: refused.length })));
    told.push(make("ul", { class: "refused" }, ...fold(refused).map(tellRefusal)));
  }
  if (error) told.push(make("p", { class: "error", role: "alert" }, error));
  if (session.isOver) told.push(make("p", {}, signInLink()));
  if (lost.length) told.push(make("p", { class: "error" }, fill(lostText, { names: names(lost) })));
  return told;
}

// In a window of its own: this one may have codes that are nowhere else.
export function signInLink() {
  return make("a", { href: page.path, target: "_blank", rel: "noopener", class: "button quiet-button" }, words.sign_in_again);
}

export function moreButton(text, people, act) {
  return make("button", { type: "button", class: "quiet-button", onclick: act }, fill(text, { count: people.length }));
}

function fold(refused) {
  const found = new Map();
  for (const { username, message } of refused) {
    if (!found.has(message)) found.set(message, []);
    found.get(message).push({ username });
  }
  return [...found];
}

function tellRefusal([message, people]) {
  if (people.length === 1) return make("li", {}, make("strong", {}, bdi(people[0].username)), `: ${message}`);
  const summary = make("summary", {}, fill(words.refused_many, { count: people.length }), `: ${message}`);
  return make("li", {}, make("details", {}, summary, bdi(names(people))));
}

function names(people) {
  return people.map(({ username }) => username).join(", ");
}
