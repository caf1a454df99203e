// Requests of actions: JSON there and back, for many people a part at a time.
import { page, words } from "./dom.js";

const AT_ONCE = 20;

// Whether the hub still knows who sits here; once it does not, nothing more is asked for.
export const session = { isOver: false };

export function endSession() {
  if (session.isOver) return;
  session.isOver = true;
  document.dispatchEvent(new Event("signed-out"));
}

// A request that was not done or, with `isUnknown`, of which nobody knows.
export class Failed extends Error {
  constructor(message, isUnknown = false) {
    super(message);
    this.isUnknown = isUnknown;
  }
}

export async function post(action, body) {
  if (session.isOver) throw new Failed(words.signed_out);
  let answer;
  try {
    answer = await fetch(`${page.path}/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-XSRFToken": page.xsrf },
      body: JSON.stringify(body),
      cache: "no-store",
    });
  } catch {
    throw new Failed(words.failed, true);
  }
  const told = await answer.json().catch(() => null);
  if (answer.ok && told) return told;
  if (answer.status === 401 || answer.status === 403) {
    endSession();
    throw new Failed(words.signed_out);
  }
  throw new Failed(told?.message || words.failed, answer.ok || answer.status >= 500);
}

// Asks for `people` a part at a time. `makeBody` gets a part; `progress` is told how many are done,
// and says with false that it is enough; `take` gets each answer at once. Returns who was done and
// refused, who was in a request of which nobody knows (`lost`), and who was not asked for (`left`).
export async function postInParts(action, people, makeBody, progress = () => true, take = () => {}) {
  const result = { done: [], refused: [], lost: [], left: [], error: "" };
  progress(0, people.length);
  for (let first = 0; first < people.length; first += AT_ONCE) {
    const next = Math.min(first + AT_ONCE, people.length);
    const part = people.slice(first, next);
    try {
      const answer = await post(action, makeBody(part));
      take(answer);
      result.done.push(...answer.done);
      result.refused.push(...answer.refused);
    } catch (error) {
      if (!(error instanceof Failed)) console.error(error);
      const isUnknown = error.isUnknown ?? true;
      result.error = error instanceof Failed ? error.message : words.failed;
      result.lost = isUnknown ? part : [];
      result.left = people.slice(isUnknown ? next : first);
      break;
    }
    if (!progress(next, people.length)) {
      result.left = people.slice(next);
      break;
    }
  }
  return result;
}
