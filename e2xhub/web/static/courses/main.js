// Puts the page of a course together.
import { session } from "../console/api.js";
import { Dialog } from "../console/dialog.js";
import { make, page, setText, words } from "../console/dom.js";
import { probeOrigin } from "../console/origin.js";
import { load, sentenceOf } from "./api.js";
import { Changes } from "./changes.js";
import { showDetails } from "./details.js";
import { Members } from "./members.js";
import { Upload } from "./upload.js";

const find = (id) => document.getElementById(id);
const SECTIONS = [...document.querySelectorAll("main > section")].map(({ id }) => id);

const dialog = new Dialog();
const members = new Members((action, member) => (action === "remove" ? changes.askToRemove(member) : changes.askToChangeRole(member)));
const changes = new Changes(dialog, page.may_change, showChanged, showResult);
const upload = find("upload-form") ? new Upload(dialog, finishUpload) : null;
const DRAFT = `draft of ${page.path}`;

// Whoever has just come in is seen, whatever was searched for.
function showChanged(added = []) {
  if (!added.every((person) => members.shows(person))) showEverybody();
  refresh();
}

function showEverybody() {
  find("search").value = find("role").value = "";
  members.search("");
  members.filterBy("");
}

async function refresh() {
  if (session.isOver) return;
  try {
    members.take((await load("members")).members);
    setText(find("members-note"), "");
  } catch (error) {
    find("members-note").textContent = sentenceOf(error);
  }
}

// Each part of the page has an address of its own, so that going back works.
function showSection(isChosen) {
  const wanted = location.hash.slice(1);
  const name = SECTIONS.includes(wanted) ? wanted : SECTIONS[0];
  for (const id of SECTIONS) find(id).hidden = id !== name;
  for (const link of document.querySelectorAll(".sections a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (isChosen) find(`${name}-title`).focus();
  showDetails(name, (change) => changes.askToUndo(change));
}

function showResult() {
  if (find("members").hidden) {
    history.pushState(null, "", "#members");
    showSection(false);
  }
  find("result").focus();
}

function finishUpload(done) {
  changes.tell(done);
  showEverybody();
  showResult();
}

find("search").addEventListener("input", () => members.search(find("search").value));
find("role").append(make("option", { value: "" }, words.all_roles), ...Object.entries(words.roles).map(([value, text]) => make("option", { value }, text)));
find("role").addEventListener("change", () => members.filterBy(find("role").value));
find("add-button")?.addEventListener("click", () => changes.askToAdd());
window.addEventListener("hashchange", () => showSection(true));
// Somebody else may have changed something meanwhile.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
document.addEventListener("signed-out", () => {
  const note = find("signed-out");
  note.hidden = false;
  for (const button of document.querySelectorAll("main button")) button.disabled = true;
  if (upload) sessionStorage.setItem(DRAFT, JSON.stringify({ ...upload.draft, username: page.username, section: location.hash }));
});

// What somebody had prepared before having to sign in again; nobody else gets it.
function restoreDraft() {
  const kept = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  sessionStorage.removeItem(DRAFT);
  if (!upload || kept?.username !== page.username) return;
  upload.restore(kept);
  if (kept.section && !location.hash) history.replaceState(null, "", kept.section);
}
restoreDraft();
showSection(false);
refresh();
probeOrigin().then((isOpen) => {
  if (isOpen !== null) find("shared-origin").hidden = !isOpen;
});
