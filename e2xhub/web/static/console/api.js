// Requests of actions: JSON there and back, for many people a part at a time.
import { page, words } from "./dom.js";

const AT_ONCE = 20;

export class Failed extends Error {}

export async function post(action, body) {
  let answer;
  try {
    answer = await fetch(`${page.path}/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-XSRFToken": page.xsrf },
      body: JSON.stringify(body),
      cache: "no-store",
    });
  } catch {
    throw new Failed(words.failed);
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failed(answer.status === 403 ? words.signed_out : told.message || words.failed);
  return told;
}

// Asks for `people` a part at a time. `makeBody` gets a part; `progress` is told how many are done,
// and says with false that it is enough. Returns what was done and refused, and who was in a request
// that failed.
export async function postInParts(action, people, makeBody, progress = () => true) {
  const result = { done: [], refused: [], answers: [], lost: [], error: "" };
  for (let first = 0; first < people.length; first += AT_ONCE) {
    const part = people.slice(first, first + AT_ONCE);
    try {
      const answer = await post(action, makeBody(part));
      result.done.push(...answer.done);
      result.refused.push(...answer.refused);
      result.answers.push(answer);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      result.error = error.message;
      result.lost = part;
      break;
    }
    if (!progress(Math.min(first + AT_ONCE, people.length), people.length)) break;
  }
  return result;
}
