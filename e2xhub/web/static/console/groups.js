// For whom something is done: one person, those shown in the list, a room, or all.
import { groupField } from "./dialog.js";
import { fill, words } from "./dom.js";
import * as known from "./people.js";

// Those of `people` who are shown (usernames; null: the list is not searched) come first, then the
// room that is chosen above the list: they are meant.
export function groupsOf(people, { room = null, shown = null }, texts = {}, more = {}) {
  const group = (text, inside, values) => ({ text: fill(text, { count: inside.length, ...values }), people: inside, ...more });
  const all = { ...group(texts.all ?? words.everybody, people), isAll: true, room: null };
  const names = known.rooms();
  const inRooms = (names.length < 2 ? [] : names).map((name) => {
    const inside = people.filter((person) => person.room === name);
    return { ...group(texts.room ?? words.in_room, inside, { room: name || words.no_room }), room: name };
  });
  const found = [all, ...inRooms].sort((one, other) => (other.room === room) - (one.room === room));
  const those = shown && people.filter(({ username }) => shown.has(username));
  if (those) found.unshift(group(texts.shown ?? words.those_shown, those));
  return found.filter(({ people: inside }) => inside.length);
}

export function groupOfOne(person) {
  return [{ text: "", people: [person] }];
}

// Asks for whom, if there is a choice; the button says for how many. A field with `isFor` is there
// for some groups only. Returns what renews all that.
export function askForGroup(dialog, title, text, groups, fields, { label, act, isHarmful = () => false }) {
  const choice = groups[0].text ? groupField(words.for_whom, groups, () => update()) : null;
  const chosen = () => (choice ? choice.chosen() : groups[0]);
  const all = choice ? [choice, ...fields] : fields;
  const asked = dialog.ask(title, text, all, { button: label(chosen()), act: () => act(chosen()) });
  const update = () => {
    const group = chosen();
    asked.submit.textContent = label(group);
    asked.submit.className = isHarmful(group) ? "harmful" : "";
    for (const field of fields) field.hidden = Boolean(field.isFor && !field.isFor(group));
  };
  update();
  return update;
}
