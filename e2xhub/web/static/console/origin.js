// Finds out whether a reverse proxy asks the hub about requests to servers (forward-auth): by an
// address below /user/ that only this page knows. The answer itself is an error either way.
import { page } from "./dom.js";

// Whether there is something to warn of; null where it is not known.
export async function probeOrigin() {
  if (!page.probe) return null;
  const { name, address, end } = page.probe;
  try {
    await fetch(address, { credentials: "omit", redirect: "manual", cache: "no-store" });
    const answer = await fetch(end, { method: "POST", body: name, cache: "no-store" });
    return (await answer.json()).is_open;
  } catch {
    return null;
  }
}
