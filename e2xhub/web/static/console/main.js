// Puts the console together.
import { Actions } from "./actions.js";
import { endSession, session } from "./api.js";
import { showAudit } from "./audit.js";
import { Codes } from "./codes.js";
import { Dialog } from "./dialog.js";
import { page } from "./dom.js";
import { Counters, Help, showClock, showConnection, showReach, showRooms, showWarnings } from "./overview.js";
import { probeOrigin } from "./origin.js";
import * as known from "./people.js";
import { Stream } from "./stream.js";
import { Table } from "./table.js";

const find = (id) => document.getElementById(id);

Object.assign(known.exam, { startsAt: page.starts_at, endsAt: page.ends_at, reach: page.reach });
known.takeClock(page.now);

const dialog = new Dialog();
const codes = new Codes(dialog);
const actions = new Actions(dialog, codes);
const open = (username) => actions.openPerson(username);
const table = new Table(open);
const help = new Help(open);
const counters = new Counters((state) => table.filterBy({ state }));
const chosenRoom = () => (find("room").value ? find("room").value.slice("room:".length) : null);
const where = () => ({ room: chosenRoom(), shown: table.chosen });

find("search").addEventListener("input", () => table.search(find("search").value));
find("room").addEventListener("change", () => table.filterBy({ room: chosenRoom() }));
find("issue-button").addEventListener("click", () => codes.askForMany(where()));
find("message-button").addEventListener("click", () => actions.askForMessage(null, where()));
find("extra-button").addEventListener("click", () => actions.askForExtraTime(null, where()));
find("finish-button").addEventListener("click", () => actions.askToFinishMany(where()));
find("audit-button").addEventListener("click", () => showAudit(dialog));

function showNews(news, isNew) {
  const before = isNew ? [...known.people.keys()] : [];
  if (isNew) known.people.clear();
  const changed = new Set([...known.take(news), ...before]);
  if (news.status) {
    showWarnings();
    showReach();
  }
  if (!changed.size) return;
  table.update(changed);
  help.update();
  counters.update();
  if (!showRooms(find("room"))) table.filterBy({ room: null });
  actions.refreshPerson([...changed]);
}

function showState(state) {
  if (state === "signed-out") endSession();
  else if (!session.isOver) showConnection(state);
}

// What is shown stays, and codes can still be written down; nothing can be done any more.
document.addEventListener("signed-out", () => {
  showConnection("signed-out");
  for (const button of document.querySelectorAll(".tool-actions button, .person-buttons button, #audit-button")) button.disabled = true;
});

showState("connecting");
new Stream({ onNews: showNews, onState: showState });
setInterval(showClock, 1000);
setInterval(() => {
  table.showTimes();
  showReach();
}, 10_000);
showClock();
showReach();
probeOrigin(); // the hub warns with the next news
