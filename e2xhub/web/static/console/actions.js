// What a proctor can do, beside issuing codes: for one person, a room, or all.
import { Failed, post, postInParts } from "./api.js";
import { tellFaults } from "./codes.js";
import { buttons, field, groupField } from "./dialog.js";
import { bdi, fill, fillNodes, make, moment, words } from "./dom.js";
import * as known from "./people.js";

const REASON_MAX = 200;
const MESSAGE_MAX = 500;

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
    const button = (text, act, kind = "quiet-button") => make("button", { type: "button", class: kind, onclick: act }, text);
    const isIn = ["signed-in", "ready", "idle"].includes(person.state) || person.address;
    const found = [button(person.generation ? words.reissue : words.issue_one, () => this.codes.askForOne(person), "")];
    if (known.needsHelp(person)) found.push(button(person.locked ? words.unlock : words.helped, () => this.unlock(person)));
    found.push(button(words.message, () => this.askForMessage(person)));
    found.push(button(words.extra_time, () => this.askForExtraTime(person)));
    if (person.server === "ready") found.push(button(words.stop_server, () => this.askToStop(person), "harmful-quiet"));
    if (person.state === "issued" || isIn) found.push(button(words.revoke, () => this.askToRevoke(person), "harmful-quiet"));
    if (!person.finished_at && person.generation) found.push(button(words.finish, () => this.askToFinish(person), "harmful-quiet"));
    return make("div", { class: "person-buttons" }, ...found);
  }

  unlock(person) {
    return this.run("unlock", words.unlock, [person], (usernames) => ({ usernames }));
  }

  askToStop(person) {
    const name = known.nameOf(person);
    this.dialog.ask(fill(words.stop_title, { name }), words.stop_text, [], {
      button: words.stop_server,
      harmful: true,
      act: () => this.run("stop-server", words.stop_server, [person], (usernames) => ({ usernames })),
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
      act: () => this.run(action, title, [person], (usernames) => ({ usernames, reason: reason.value() })),
    });
  }

  // --- one or many

  askForExtraTime(person, room = null) {
    const groups = person ? [{ text: "", people: [person] }] : groupsOf(known.everybody(), room);
    const minutes = make("input", { type: "number", step: 1, min: -1440, max: 1440, value: 15, inputMode: "numeric" });
    const check = (value) => (Number.isInteger(Number(value)) && Number(value) !== 0 ? "" : words.minutes_needed);
    const reason = reasonField((value) => (value ? "" : words.reason_needed));
    const fields = [field(words.extra_minutes, minutes, { help: words.extra_help, check }), reason];
    const label = (group) => fill(person ? words.extra_button_one : words.extra_button, { minutes: minutes.value || "?", count: group.people.length });
    const title = person ? fill(words.extra_title, { name: known.nameOf(person) }) : words.extra_title_many;
    const act = (group) => {
      const given = { minutes: Number(minutes.value), reason: reason.value() };
      return this.run("extra-time", title, group.people, (usernames) => ({ usernames, ...given }));
    };
    const update = this.askForGroup(title, "", groups, fields, { label, act });
    minutes.addEventListener("input", update);
  }

  askForMessage(person, room = null) {
    const groups = person ? [{ text: "", people: [person] }] : groupsOf(known.everybody(), room);
    const text = make("textarea", { rows: 4, maxLength: MESSAGE_MAX });
    const check = (value) => (value ? "" : words.message_needed);
    const fields = [field(words.message_label, text, { check })];
    const label = (group) => fill(person ? words.message_button_one : words.message_button, { count: group.people.length });
    const title = person ? fill(words.message_title, { name: known.nameOf(person) }) : words.message_title_many;
    const act = (group) => {
      const told = text.value.trim();
      if (group.isAll) return this.runOnce("message", title, { usernames: null, text: told }, group.people.length);
      return this.run("message", title, group.people, (usernames) => ({ usernames, text: told }));
    };
    this.askForGroup(title, words.message_text, groups, fields, { label, act });
  }

  askToFinishMany(room = null) {
    const over = known.everybody().filter(known.isOver).filter((person) => !person.finished_at);
    const groups = groupsOf(over, room, words.finish_for);
    const title = words.finish_title_many;
    if (!over.length) return this.tell(title, [make("p", {}, words.nobody_left)]);
    const reason = reasonField();
    this.askForGroup(title, words.finish_text, groups, [reason], {
      harmful: true,
      label: (group) => fill(words.finish_button, { count: group.people.length }),
      act: (group) => this.run("finish", title, group.people, (usernames) => ({ usernames, reason: reason.value() })),
    });
  }

  // Asks for whom, if there is a choice; the button says for how many. Returns what renews that.
  askForGroup(title, text, groups, fields, { label, act, harmful = false }) {
    const choice = groups.length > 1 ? groupField(words.for_whom, groups, () => update()) : null;
    const chosen = () => (choice ? choice.chosen() : groups[0]);
    const all = choice ? [choice, ...fields] : fields;
    const asked = this.dialog.ask(title, text, all, { button: label(chosen()), harmful, act: () => act(chosen()) });
    const update = () => {
      asked.submit.textContent = label(chosen());
    };
    return update;
  }

  // --- doing it

  async run(action, title, people, makeBody) {
    const tell = (done, count) => fill(words.progress, { done, count });
    const progress = this.dialog.showProgress(title, tell);
    const names = people.map(({ username }) => ({ username }));
    const result = await postInParts(action, names, (part) => makeBody(part.map(({ username }) => username)), progress);
    this.tellResult(title, result, result.done.length);
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

  tellResult(title, result, count) {
    const faults = tellFaults(result);
    if (count) faults.unshift(make("p", { role: "status" }, fill(words.done, { count })));
    this.tell(title, faults);
  }

  tell(title, content) {
    this.dialog.show(title, [...content, buttons(this.dialog.cancelButton(words.close))]);
  }
}

function reasonField(check = () => "") {
  const input = make("input", { type: "text", maxLength: REASON_MAX, autocomplete: "off" });
  const made = field(words.reason, input, { help: words.reason_help, check });
  made.value = () => input.value.trim();
  return made;
}

function groupsOf(people, room, text = words.everybody) {
  const all = { text: fill(text, { count: people.length }), people, isAll: true, room: null };
  const names = known.rooms();
  if (names.length < 2) return [all];
  const inRooms = names.map((name) => {
    const inside = people.filter((person) => person.room === name);
    return { text: fill(words.in_room, { room: name || words.no_room, count: inside.length }), people: inside, room: name };
  });
  const found = [all, ...inRooms].filter((group) => group.people.length);
  return found.sort((one, other) => (other.room === room) - (one.room === room));
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
