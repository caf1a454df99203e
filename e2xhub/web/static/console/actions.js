// What a proctor can do, beside issuing codes: for one person, a room, or all.
import { Failed, post, postInParts, session } from "./api.js";
import { buttons, field, reasonField } from "./dialog.js";
import { bdi, fill, fillNodes, make, moment, page, words } from "./dom.js";
import { askForGroup, groupOfOne, groupsOf } from "./groups.js";
import * as known from "./people.js";
import { moreButton, tellFaults } from "./results.js";

export class Actions {
  constructor(dialog, codes) {
    this.dialog = dialog;
    this.codes = codes;
  }

  // --- one person

  openPerson(username) {
    const person = known.people.get(username);
    if (!person) return;
    const content = [personDetails(person), this.personButtons(person), buttons(this.dialog.cancelButton(words.close))];
    this.dialog.show(known.nameOf(person), content);
    this.openUsername = username;
  }

  // What is shown of a person follows what happens, unless a question is open.
  refreshPerson(usernames) {
    const details = this.dialog.element.querySelector(".person");
    if (!details || !usernames.includes(this.openUsername)) return;
    const person = known.people.get(this.openUsername);
    if (person) details.replaceWith(personDetails(person));
  }

  personButtons(person) {
    const button = (text, act, kind = "quiet-button") => make("button", { type: "button", class: kind, onclick: act, disabled: session.isOver }, text);
    const isIn = ["signed-in", "ready", "idle"].includes(person.state) || person.address;
    const found = [button(person.generation ? words.reissue : words.issue_one, () => this.codes.askForOne(person), "")];
    if (known.wasRefused(person)) found.push(button(helpWord(person), () => this.unlock(person)));
    found.push(button(words.message, () => this.askForMessage(person)));
    found.push(button(words.extra_time, () => this.askForExtraTime(person)));
    if (person.server === "ready") found.push(button(words.stop_server, () => this.askToStop(person), "harmful-quiet"));
    if (person.state === "issued" || isIn) found.push(button(words.revoke, () => this.askToRevoke(person), "harmful-quiet"));
    if (!person.finished_at && person.generation) found.push(button(words.finish, () => this.askToFinish(person), "harmful-quiet"));
    return make("div", { class: "person-buttons" }, ...found);
  }

  unlock(person) {
    return this.run("unlock", helpWord(person), [person], names);
  }

  askToStop(person) {
    const name = known.nameOf(person);
    this.dialog.ask(fill(words.stop_title, { name }), words.stop_text, [], {
      button: words.stop_server,
      harmful: true,
      act: () => this.run("stop-server", words.stop_server, [person], names),
    });
  }

  askToRevoke(person) {
    this.askWithReason(person, "revoke", fill(words.revoke_title, { name: known.nameOf(person) }), words.revoke_text, words.revoke);
  }

  askToFinish(person) {
    this.askWithReason(person, "finish", fill(words.finish_title, { name: known.nameOf(person) }), words.finish_text, words.finish);
  }

  askWithReason(person, action, title, text, button) {
    const reason = reasonField();
    this.dialog.ask(title, text, [reason], {
      button,
      harmful: true,
      act: () => this.run(action, title, [person], (part) => ({ ...names(part), reason: reason.value() })),
    });
  }

  // --- one or many

  askForExtraTime(person, where = {}) {
    const groups = person ? groupOfOne(person) : groupsOf(known.everybody(), where);
    const title = person ? fill(words.extra_title, { name: known.nameOf(person) }) : words.extra_title_many;
    if (!groups.length) return this.tell(title, [make("p", {}, words.nobody_left)]);
    const minutes = make("input", { type: "number", step: 1, min: -1440, max: 1440, value: 15, inputMode: "numeric" });
    const check = (value) => (Number.isInteger(Number(value)) && Number(value) !== 0 ? "" : words.minutes_needed);
    const reason = reasonField(true);
    const fields = [field(words.extra_minutes, minutes, { help: words.extra_help, check }), reason];
    const label = (group) => fill(person ? words.extra_button_one : words.extra_button, { minutes: minutes.value || "?", count: group.people.length });
    const act = (group) => {
      const given = { minutes: Number(minutes.value), reason: reason.value() };
      // With what this page has seen: the hub adds nothing twice.
      const seen = (part) => part.map(({ username, granted }) => ({ username, granted }));
      return this.run("extra-time", title, group.people, (part) => ({ people: seen(part), ...given }));
    };
    const update = askForGroup(this.dialog, title, "", groups, fields, { label, act });
    minutes.addEventListener("input", update);
  }

  askForMessage(person, where = {}) {
    const groups = person ? groupOfOne(person) : groupsOf(known.everybody(), where);
    const title = person ? fill(words.message_title, { name: known.nameOf(person) }) : words.message_title_many;
    if (!groups.length) return this.tell(title, [make("p", {}, words.nobody_left)]);
    const text = make("textarea", { rows: 4, maxLength: page.message_max });
    const check = (value) => (value ? "" : words.message_needed);
    const fields = [field(words.message_label, text, { check })];
    const label = (group) => fill(person ? words.message_button_one : words.message_button, { count: group.people.length });
    const act = (group) => {
      const told = text.value.trim();
      if (group.isAll) return this.runOnce("message", title, { usernames: null, text: told }, group.people.length);
      return this.run("message", title, group.people, (part) => ({ ...names(part), text: told }), { isRepeatable: false });
    };
    askForGroup(this.dialog, title, words.message_text, groups, fields, { label, act });
  }

  // Those whose time is over; after a confirmation that is typed, also the others.
  askToFinishMany(where = {}) {
    const title = words.finish_title_many;
    const going = known.everybody().filter((person) => person.generation && !person.finished_at);
    const early = { all: words.finish_all, room: words.finish_room, shown: words.finish_shown };
    const groups = [
      ...groupsOf(going.filter(known.isOver), where, { all: words.finish_for }),
      ...groupsOf(going, where, early, { isEarly: true }),
    ];
    if (!groups.length) return this.tell(title, [make("p", {}, words.nobody_left)]);
    const reason = reasonField();
    const typed = make("input", { type: "text", autocomplete: "off", spellcheck: false, autocapitalize: "none" });
    const told = fill(words.type_exam, { exam: page.exam });
    const confirmation = field(told, typed, { check: (value) => (value === page.exam ? "" : told) });
    confirmation.isFor = (group) => group.isEarly;
    askForGroup(this.dialog, title, words.finish_text, groups, [reason, confirmation], {
      isHarmful: () => true,
      label: (group) => fill(words.finish_button, { count: group.people.length }),
      act: (group) => this.run("finish", title, group.people, (part) => ({ ...names(part), reason: reason.value() })),
    });
  }

  // --- doing it

  // `makeBody` gets a part of the people. What nobody knows of is asked for again, where that does
  // no harm.
  async run(action, title, people, makeBody, { isRepeatable = true, before = { done: [], refused: [] } } = {}) {
    const tell = (done, count) => fill(words.progress, { done, count });
    const progress = this.dialog.showProgress(title, tell);
    const result = await postInParts(action, people, makeBody, progress);
    result.done.unshift(...before.done);
    result.refused.unshift(...before.refused);
    const rest = [...(isRepeatable ? result.lost : []), ...result.left];
    const goOn = () => this.run(action, title, rest, makeBody, { isRepeatable, before: result });
    const further = rest.length && !session.isOver ? [buttons(moreButton(words.go_on, rest, goOn))] : [];
    this.tellResult(title, result, result.done.length, further);
  }

  async runOnce(action, title, body, count) {
    this.dialog.showProgress(title, () => "");
    try {
      const { refused } = await post(action, body);
      this.tellResult(title, { refused, lost: [], error: "" }, count);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      this.tellResult(title, { refused: [], lost: [], error: error.message }, 0);
    }
  }

  tellResult(title, result, count, further = []) {
    const faults = [...tellFaults(result), ...further];
    if (count) faults.unshift(make("p", { role: "status" }, fill(words.done, { count })));
    this.tell(title, faults);
  }

  tell(title, content) {
    this.dialog.show(title, [...content, buttons(this.dialog.cancelButton(words.close))]);
  }
}

function names(part) {
  return { usernames: part.map(({ username }) => username) };
}

// What the button does: who has to wait may try at once; others are known to the proctor now.
function helpWord(person) {
  return person.locked || person.refused?.waits ? words.let_try : words.helped;
}

function personDetails(person) {
  const now = known.now();
  const rows = [];
  const add = (label, ...value) => {
    if (value.some(Boolean)) rows.push(make("dt", {}, label), make("dd", {}, ...value));
  };
  const time = (at) => at && moment(at, now);
  const told = known.refusalOf(person);
  add(words.state, make("span", { class: "state" }, words.states[person.state]), `, ${words.servers[person.server]}`);
  const failure = known.failureOf(person);
  if (failure) add(words.start, make("span", { class: "why" }, failure));
  if (told) add(words.last_refusal, make("span", { class: "why" }, told));
  add(words.username, bdi(person.username));
  add(words.room, bdi(person.room));
  add(words.seat, bdi(person.seat));
  const ends = { time: time(person.ends_at), minutes: person.extra };
  add(words.ends, person.extra ? fill(words.with_extra, ends) : ends.time);
  if (person.generation) {
    const issued = { number: String(person.generation), name: bdi(person.issued_by), time: time(person.issued_at) };
    add(words.code, ...fillNodes(words.code_no, issued));
  }
  add(words.address, person.address);
  add(words.first_in, time(person.signed_in_at));
  add(words.submitted_at, person.submitted_at && fill(words.submitted_claim, { time: time(person.submitted_at) }));
  add(words.finished_at, time(person.finished_at));
  const messages = known.exam.messages.filter(({ username }) => username === null || username === person.username).slice(-3);
  const message = ({ text, at, by, username }) => make("li", {}, `${time(at)}, ${by}${username ? "" : ` (${words.to_all})`}: `, bdi(text));
  if (messages.length) add(words.last_messages, make("ul", {}, ...messages.map(message)));
  const list = make("dl", { class: "person" }, ...rows);
  list.dataset.state = person.state;
  return list;
}
