// The log, in words.
import { page, make, bdi, moment, words } from "./dom.js";
import { buttons } from "./dialog.js";
import { now } from "./people.js";

export async function showAudit(dialog) {
  dialog.show(words.audit_title, [make("p", { role: "status" }, words.working), buttons(dialog.cancelButton(words.close))], { wide: true });
  const content = await load();
  if (!dialog.isOpen) return;
  dialog.show(words.audit_title, [...content, buttons(dialog.cancelButton(words.close))], { wide: true });
}

async function load() {
  try {
    const answer = await fetch(`${page.path}/audit`, { headers: { "X-XSRFToken": page.xsrf }, cache: "no-store" });
    const told = await answer.json();
    if (!answer.ok) return [make("p", { class: "error", role: "alert" }, told.message || words.failed)];
    const log = told.entries.length ? makeLog(told) : [make("p", {}, words.audit_empty)];
    return told.fault ? [make("p", { class: "error", role: "alert" }, told.fault), ...log] : log;
  } catch {
    return [make("p", { class: "error", role: "alert" }, words.failed)];
  }
}

function makeLog({ anchor, entries }) {
  const item = ({ number, at, actor, username, text, details }) =>
    make(
      "li",
      { value: number },
      make("span", { class: "quiet" }, `${moment(at, now(), true)} `),
      make("strong", {}, bdi(actor)),
      ` ${text}`,
      username && username !== actor ? make("span", {}, " – ", bdi(username)) : "",
      details ? make("span", { class: "quiet" }, " (", bdi(details), ")") : "",
    );
  const note = make("p", {}, words.audit_anchor, " ", make("strong", { class: "typed" }, anchor), " ", make("span", { class: "quiet" }, words.audit_help));
  const list = make("ol", { class: "log", reversed: true }, ...entries.map(item));
  const shown = make("div", { class: "scrolling", tabIndex: 0, role: "region", "aria-label": words.audit_title }, list);
  return anchor ? [note, shown] : [shown];
}
