// What stands above the list: the clock, the connection, warnings, who needs help, the counters.
import { bdi, fill, hour, make, numberOf, second, setText, span, words } from "./dom.js";
import * as known from "./people.js";
import { signInLink } from "./results.js";

// The states that are always there; the others only while somebody is in them.
const USUAL = new Set(["", "help", "not-issued", "issued", "signed-in", "ready", "submitted"]);

export function showClock() {
  const { startsAt, endsAt } = known.exam;
  const now = known.now();
  setText(document.getElementById("clock"), second(now));
  const told =
    now < startsAt
      ? fill(words.begins_in, { time: span(startsAt - now) })
      : now < endsAt
        ? fill(words.remaining, { time: span(endsAt - now) })
        : fill(words.over_since, { time: hour(endsAt) });
  setText(document.getElementById("remaining"), told);
}

export function showConnection(state) {
  const element = document.getElementById("connection");
  element.dataset.state = state;
  const told = { live: words.live, connecting: words.connecting, offline: words.offline, "signed-out": words.signed_out };
  if (element.textContent === told[state]) return;
  element.replaceChildren(told[state]);
  if (state === "signed-out") {
    element.append(" ", signInLink());
  }
}

// Not about this minute: it stays until those who run the hub change something.
const isQuiet = (warning) => warning.kind === "forward-auth";

export function showWarnings() {
  const list = document.getElementById("warnings");
  const shown = known.exam.warnings;
  const told = shown.map((warning) =>
    fill(words.warnings[warning.kind] ?? warning.kind, {
      ...warning,
      time: warning.since ? hour(warning.since) : "",
      addresses: warning.addresses ? numberOf(warning.addresses) : "",
      names: warning.names ? warning.names.join(", ") + (warning.count > warning.names.length ? " …" : "") : "",
    }),
  );
  list.hidden = !told.length;
  announce(shown, told);
  const key = JSON.stringify(shown.map((warning, index) => [told[index], warning.details]));
  if (list.dataset.told === key) return;
  list.dataset.told = key;
  const isOpen = new Set([...list.querySelectorAll("li:has(details[open])")].map((item) => item.dataset.kind));
  list.replaceChildren(...shown.map((warning, index) => warningItem(warning, told[index], isOpen.has(warning.kind))));
}

// Said aloud once, when it comes up; the list itself changes with every count in it.
const announced = { "spoken-alarms": new Set(), "spoken-warnings": new Set() };

const isAlarm = ({ kind }) => kind.startsWith("lockdown") || kind === "database";

function announce(shown, told) {
  for (const [id, before] of Object.entries(announced)) {
    const found = shown.map((warning, index) => [identityOf(warning), told[index], warning]);
    const ours = found.filter(([, , warning]) => isAlarm(warning) === (id === "spoken-alarms"));
    const news = ours.filter(([identity]) => !before.has(identity)).map(([, text]) => text);
    announced[id] = new Set(ours.map(([identity]) => identity));
    if (news.length || !ours.length) setText(document.getElementById(id), news.join(" "));
  }
}

function identityOf({ kind, address, destination }) {
  return [kind, address ?? destination].join(" ");
}

function warningItem(warning, text, isOpen) {
  const item = make("li", { class: isQuiet(warning) ? "warning lasting" : "warning", "data-kind": warning.kind }, text);
  if (warning.details) item.append(detailsOf(warning.details, isOpen));
  return item;
}

// Sentences of the hub for those who run it, which are in English always.
function detailsOf(sentences, isOpen) {
  const summary = make("summary", {}, fill(words.for_admins, { count: sentences.length }));
  const list = make("ul", { lang: "en" }, ...sentences.map((sentence) => make("li", {}, bdi(sentence))));
  return make("details", { open: isOpen }, summary, list);
}

// What the examinees' servers get through to, as the catalog has it.
export function showReach() {
  const { destinations, name_service: hasNames } = known.exam.reach;
  const told = ({ name, addresses }) => (addresses ? fill(words.reach_many, { name, addresses: numberOf(addresses) }) : name);
  const others = [...destinations.map(told), ...(hasNames ? [words.reach_name_service] : [])];
  const places = others.length ? [words.reach_hub, ...others].join(", ") : words.reach_hub_only;
  setText(document.getElementById("reach"), fill(reachSentence(), { places }));
}

// It claims only what somebody has looked at.
function reachSentence() {
  if (known.exam.warnings.some(({ kind }) => kind.startsWith("lockdown"))) return words.reach_warned;
  if (known.exam.reach.is_checked) return words.reach;
  return known.now() < known.exam.endsAt ? words.reach_unchecked : words.reach_over;
}

// The newest first; those who are shown keep their buttons, so that the keyboard stays where it is.
export class Help {
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.items = new Map();
    this.section = document.getElementById("help");
    this.title = document.getElementById("help-title");
    this.list = document.getElementById("help-list");
  }

  update() {
    const found = [...known.people.values()].filter(known.needsHelp);
    found.sort((one, other) => (other.refused?.at ?? Infinity) - (one.refused?.at ?? Infinity));
    const names = new Set(found.map((person) => person.username));
    for (const [username, item] of this.items) {
      if (names.has(username)) continue;
      item.row.remove();
      this.items.delete(username);
    }
    for (const person of found) this.show(person);
    this.section.hidden = !found.length;
    const told = fill(words.needs_help, { count: found.length });
    setText(this.title, told);
    setText(document.getElementById("spoken"), found.length ? told : "");
  }

  show(person) {
    let item = this.items.get(person.username);
    if (!item) {
      item = { who: bdi(""), where: make("span", { class: "quiet" }), why: make("span", { class: "why" }) };
      const open = make("button", { type: "button", onclick: () => this.onOpen(person.username) }, words.open);
      open.setAttribute("aria-label", fill(words.open_person, { name: known.nameOf(person) }));
      const text = make("span", { class: "help-text" }, make("strong", {}, item.who), " ", item.where, " ", item.why);
      item.row = make("li", {}, text, open);
      this.items.set(person.username, item);
      this.list.prepend(item.row);
    }
    setText(item.who, known.nameOf(person));
    setText(item.where, known.placeOf(person));
    setText(item.why, known.troubleOf(person));
  }
}

// How many are in each state; each is a filter too.
export class Counters {
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.chosen = "";
    this.buttons = new Map();
    const group = document.getElementById("counters");
    for (const state of ["", "help", ...known.STATES]) {
      const number = make("strong", {});
      const label = state === "" ? words.all : state === "help" ? words.help : words.states[state];
      const button = make("button", { type: "button", class: "counter", "data-state": state }, number, " ", label);
      button.addEventListener("click", () => this.choose(this.chosen === state ? "" : state));
      this.buttons.set(state, { button, number });
      group.append(button);
    }
    this.showChosen();
  }

  choose(state) {
    this.chosen = state;
    this.showChosen();
    this.onChoose(state);
    this.update();
  }

  showChosen() {
    for (const [state, { button }] of this.buttons) button.setAttribute("aria-pressed", String(state === this.chosen));
  }

  update() {
    const counts = new Map(known.STATES.map((state) => [state, 0]));
    let help = 0;
    for (const person of known.people.values()) {
      counts.set(person.state, counts.get(person.state) + 1);
      help += known.needsHelp(person);
    }
    counts.set("", known.people.size).set("help", help);
    for (const [state, { button, number }] of this.buttons) {
      setText(number, String(counts.get(state)));
      button.classList.toggle("none", !counts.get(state));
      button.hidden = !counts.get(state) && !USUAL.has(state) && state !== this.chosen;
    }
  }
}

// Returns whether the room that was chosen is still there.
export function showRooms(select) {
  const wanted = known.rooms();
  const told = wanted.join("\n");
  if (select.dataset.rooms === told) return true;
  select.dataset.rooms = told;
  const chosen = select.value;
  const option = (value, text) => make("option", { value }, text);
  const named = wanted.map((room) => option(`room:${room}`, room || words.no_room));
  select.replaceChildren(option("", words.all_rooms), ...named);
  const isThere = [...select.options].some(({ value }) => value === chosen);
  select.value = isThere ? chosen : "";
  return isThere;
}

