// Puts the console together.
import { Actions } from "./actions.js";
import { showAudit } from "./audit.js";
import { Codes } from "./codes.js";
import { Dialog } from "./dialog.js";
import { page } from "./dom.js";
import { Counters, Help, showClock, showConnection, showRooms, showWarnings } from "./overview.js";
import * as known from "./people.js";
import { Stream } from "./stream.js";
import { Table } from "./table.js";

const find = (id) => document.getElementById(id);

Object.assign(known.exam, { startsAt: page.starts_at, endsAt: page.ends_at });
known.takeClock(page.now);

const dialog = new Dialog();
const codes = new Codes(dialog);
const actions = new Actions(dialog, codes);
const open = (username) => actions.openPerson(username);
const table = new Table(open);
const help = new Help(open);
const counters = new Counters((state) => table.filterBy({ state }));
const chosenRoom = () => (find("room").value ? find("room").value.slice("room:".length) : null);

find("search").addEventListener("input", () => table.search(find("search").value));
find("room").addEventListener("change", () => table.filterBy({ room: chosenRoom() }));
find("issue-button").addEventListener("click", () => codes.askForMany(chosenRoom()));
find("message-button").addEventListener("click", () => actions.askForMessage(null, chosenRoom()));
find("extra-button").addEventListener("click", () => actions.askForExtraTime(null, chosenRoom()));
find("finish-button").addEventListener("click", () => actions.askToFinishMany(chosenRoom()));
find("audit-button").addEventListener("click", () => showAudit(dialog));

function showNews(news, isNew) {
  const before = isNew ? [...known.people.keys()] : [];
  if (isNew) known.people.clear();
  const changed = new Set([...known.take(news), ...before]);
  if (news.status) showWarnings();
  if (!changed.size) return;
  table.update(changed);
  help.update();
  counters.update();
  showRooms(find("room"));
  actions.refreshPerson([...changed]);
}

new Stream({ onNews: showNews, onState: showConnection });
setInterval(showClock, 1000);
setInterval(() => table.showTimes(), 10_000);
showClock();
