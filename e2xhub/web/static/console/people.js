// All that the page knows: a row for each examinee, as the hub sent it last.
import { compare, fill, moment, words } from "./dom.js";

// The way through an exam.
export const STATES = ["not-issued", "issued", "signed-in", "ready", "idle", "signed-out", "revoked", "submitted", "over", "finished"];

export const people = new Map();
export const exam = { startsAt: 0, endsAt: 0, reach: null, warnings: [], messages: [] };

let ahead = 0; // how much this computer's clock is ahead of the hub's

export function now() {
  return Date.now() - ahead;
}

export function takeClock(hubNow) {
  ahead = Date.now() - hubNow;
}

export function nameOf(person) {
  return [person.first, person.last].filter(Boolean).join(" ") || person.username;
}

export function listedName(person) {
  return [person.last, person.first].filter(Boolean).join(", ") || person.username;
}

export function placeOf(person) {
  const room = person.room && `${words.room} ${person.room}`;
  const seat = person.seat && `${words.seat} ${person.seat}`;
  return [room, seat].filter(Boolean).join(" · ");
}

export function needsHelp(person) {
  return wasRefused(person) || person.failed_start !== "";
}

// At the sign-in.
export function wasRefused(person) {
  return person.locked || person.refused !== null;
}

export function hasNoCode(person) {
  return person.state === "not-issued";
}

// Has one, and has not signed in with it.
export function hasUnusedCode(person) {
  return person.state === "issued";
}

export function isOver(person) {
  return person.state === "over" || (person.signed_in_at !== null && !person.finished_at && now() >= person.ends_at);
}

export function refusalOf(person) {
  const told = [];
  if (person.locked) told.push(words.locked);
  if (person.refused) {
    told.push(words.refusals[person.refused.reason] ?? person.refused.reason);
    const { at, address, before } = person.refused;
    if (before) told.push(fill(words.before_that, { reason: words.refusals[before] ?? before }));
    told.push(fill(words.refused, { time: moment(at, now()), address: address || "–" }));
  }
  return told.join(" ");
}

export function failureOf(person) {
  return person.failed_start ? fill(words.start_failed, { kind: person.failed_start }) : "";
}

// All that keeps somebody out.
export function troubleOf(person) {
  return [refusalOf(person), failureOf(person)].filter(Boolean).join(" ");
}

export function everybody() {
  return [...people.values()].sort((one, other) => compare(listedName(one), listedName(other)));
}

export function rooms() {
  return [...new Set([...people.values()].map((person) => person.room))].sort(compare);
}

// Takes what the hub sent; returns the usernames of those who are different now, and who is gone.
export function take({ now: hubNow, rows, status }) {
  takeClock(hubNow);
  if (status) {
    exam.startsAt = status.starts_at;
    exam.endsAt = status.ends_at;
    exam.reach = status.reach;
    exam.warnings = status.warnings;
    exam.messages = status.messages;
  }
  for (const row of rows) {
    if (row.gone) people.delete(row.username);
    else people.set(row.username, row);
  }
  return rows.map((row) => row.username);
}
