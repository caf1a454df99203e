// Requests of the course's page: what it shows, and what it changes.
import { endSession, Failed, post } from "../console/api.js";
import { page, words } from "../console/dom.js";

export { Failed, post };

// A part of what is known of the course, such as "members".
export async function load(part) {
  let answer;
  try {
    answer = await fetch(`${page.path}/${part}`, { headers: { "X-XSRFToken": page.xsrf }, cache: "no-store" });
  } catch {
    throw new Failed(words.not_loaded, true);
  }
  const told = await answer.json().catch(() => null);
  if (answer.ok && told) return told;
  if (answer.status === 401 || answer.status === 403) {
    endSession();
    throw new Failed(words.signed_out);
  }
  throw new Failed(told?.message || words.not_loaded);
}

export function sentenceOf(error) {
  if (error instanceof Failed) return error.message;
  console.error(error);
  return words.failed;
}
