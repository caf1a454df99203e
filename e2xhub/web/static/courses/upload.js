// A list of members, from a file or pasted: first what it would change, then, once confirmed, changed.
import { bdi, fill, make, setText, words } from "../console/dom.js";
import { buttons } from "../console/dialog.js";
import { page } from "../console/dom.js";
import { post, sentenceOf } from "./api.js";

const KINDS = ["added", "removed", "changed", "left_out"];
const SIGNS = { added: "+", removed: "−", changed: "→", left_out: "=", several: "!" };

const find = (id) => document.getElementById(id);

export class Upload {
  constructor(dialog, onDone) {
    this.dialog = dialog;
    this.onDone = onDone;
    this.form = find("upload-form");
    this.preview = find("preview");
    this.spoken = find("upload-spoken");
    this.error = find("upload-error");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    this.watchFile(find("file"), find("no-file"));
    find("pasted").addEventListener("input", () => this.forget());
    find("remove-missing").addEventListener("change", () => this.forget());
    find("list-role").addEventListener("change", () => this.forget());
    find("list-role").append(make("option", { value: "" }, words.role_of_list), ...page.may_change.map((role) => make("option", { value: role }, words.roles[role])));
    this.watchDrops(find("drop"));
  }

  get file() {
    return find("file").files[0] ?? null;
  }

  watchFile(input, away) {
    let before = null;
    input.addEventListener("change", () => this.choose());
    // A file that is chosen again, once it was corrected, is a new one only where none was chosen.
    input.addEventListener("click", () => {
      before = this.file;
      input.value = "";
    });
    input.addEventListener("cancel", () => {
      if (before) input.files = listOf(before);
      this.choose();
    });
    away.addEventListener("click", () => {
      input.value = "";
      this.choose();
      input.focus();
    });
  }

  watchDrops(place) {
    const mark = (isOver) => (event) => {
      event.preventDefault();
      place.classList.toggle("over", isOver);
    };
    place.addEventListener("dragover", mark(true));
    place.addEventListener("dragleave", mark(false));
    place.addEventListener("drop", (event) => {
      mark(false)(event);
      find("file").files = event.dataTransfer.files;
      this.choose();
    });
    // A file that misses the place must not replace the page.
    for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
  }

  choose() {
    this.forget();
    const { file } = this;
    find("no-file").hidden = !file;
    const name = find("file-name");
    name.replaceChildren(...(file ? [words.chosen, " ", bdi(file.name)] : []));
    if (file && file.size > page.upload_max) this.fail(words.too_large);
  }

  // What was prepared, without the file, for the same person once signed in again.
  get draft() {
    const pasted = find("pasted").value;
    return { pasted, remove_missing: find("remove-missing").checked, role: find("list-role").value };
  }

  restore({ pasted, remove_missing: removeMissing, role }) {
    find("pasted").value = pasted;
    find("remove-missing").checked = removeMissing;
    find("list-role").value = role;
  }

  // What is shown belongs to what was sent.
  forget() {
    this.preview.replaceChildren();
    this.preview.hidden = true;
    this.error.hidden = true;
    setText(this.spoken, "");
  }

  fail(sentence) {
    this.error.textContent = sentence;
    this.error.hidden = false;
  }

  async read(replaceRoles) {
    const pasted = find("pasted").value;
    if (pasted.trim() && this.file) throw new Refused(words.one_of_both);
    if (!pasted.trim() && !this.file) throw new Refused(words.nothing_chosen);
    const blob = this.file ?? new Blob([pasted]);
    if (blob.size > page.upload_max) throw new Refused(words.too_large);
    return { content: await asBase64(blob), is_pasted: !this.file, remove_missing: find("remove-missing").checked, role: find("list-role").value || null, replace_roles: replaceRoles };
  }

  async ask(replaceRoles = false) {
    this.forget();
    this.setBusy(true);
    try {
      this.sent = await this.read(replaceRoles);
      this.show(await post("preview", this.sent));
    } catch (error) {
      this.fail(error instanceof Refused ? error.message : sentenceOf(error));
    }
    this.setBusy(false);
  }

  setBusy(isBusy) {
    find("preview-button").disabled = isBusy;
    find("upload-progress").hidden = !isBusy;
    if (isBusy) setText(this.spoken, words.reading);
    else if (this.spoken.textContent === words.reading) setText(this.spoken, "");
  }

  show(told, note = "") {
    const heading = make("h3", { tabIndex: -1 }, words.preview_title);
    const parts = [heading, note ? make("p", { class: "warning" }, note) : null, make("p", { class: "summary" }, told.summary), told.doubt ? make("p", { class: "warning" }, told.doubt) : null, faultsOf(told)];
    for (const kind of KINDS) parts.push(groupOf(kind, told));
    parts.push(this.choiceOfRoles(told));
    for (const text of told.notes) parts.push(make("p", { class: "quiet" }, text));
    parts.push(this.confirmation(told));
    this.preview.replaceChildren(...parts.filter(Boolean));
    this.preview.hidden = false;
    setText(this.spoken, "");
    heading.focus();
    setText(this.spoken, [note, told.summary, told.doubt, told.several.count ? words.several_warning : ""].join(" "));
  }

  // Who would be student and grader at once.
  choiceOfRoles(told) {
    const isReplacing = this.sent.replace_roles;
    if (!told.several.count && !isReplacing) return null;
    const box = make("input", { type: "checkbox", id: "replace-roles", checked: isReplacing });
    box.addEventListener("change", () => this.ask(box.checked));
    const label = make("label", { class: "choice" }, box, make("span", {}, words.replace_roles));
    const warning = told.several.count ? make("p", { class: "warning" }, words.several_warning) : "";
    return make("div", {}, warning, groupOf("several", told) ?? "", told.can_replace || isReplacing ? label : "");
  }

  confirmation(told) {
    if (!told.can_apply) return told.why_not ? make("p", { class: "error" }, told.why_not) : null;
    const button = make("button", { type: "button", id: "apply-button" }, words.apply);
    button.addEventListener("click", () => (told.loses_many ? this.askAgain(told) : this.apply(told, false)));
    return make("div", { class: "buttons" }, button);
  }

  askAgain(told) {
    const save = make("a", { class: "button quiet-button", href: `${page.path}/members.csv`, download: "" }, words.save_members);
    this.dialog.ask(words.loss_title, told.loss_text, [make("p", {}, save)], {
      button: words.apply_loss,
      harmful: true,
      act: async () => {
        this.dialog.close();
        await this.apply(told, true);
      },
    });
  }

  async apply(told, confirmLoss) {
    find("apply-button").disabled = true;
    this.setBusy(true);
    try {
      const done = await post("apply", { ...this.sent, digest: told.digest, confirm_loss: confirmLoss });
      this.setBusy(false);
      if (done.preview) this.show(done.preview, done.message);
      else this.finish(done);
    } catch (error) {
      this.setBusy(false);
      find("apply-button").disabled = false;
      this.dialog.show(words.not_applied, [make("p", { class: "error", role: "alert" }, sentenceOf(error)), buttons(this.dialog.cancelButton(words.close))]);
    }
  }

  finish(done) {
    this.form.reset();
    this.choose();
    this.onDone(done);
  }
}

// Before anything was sent.
class Refused extends Error {}

function groupOf(kind, told) {
  const { rows, count } = told[kind];
  if (!count) return null;
  const title = make("summary", {}, sign(kind), fill(words.groups[kind], { count }));
  const items = rows.map((row) => make("li", { class: kind }, sign(kind), bdi(row.username), " ", make("span", { class: "quiet" }, rolesOf(row))));
  const more = count > rows.length ? make("p", { class: "quiet" }, fill(words.and_more, { count: count - rows.length })) : null;
  const list = make("div", { class: "scrolling", tabIndex: 0, role: "region", "aria-label": fill(words.groups[kind], { count }) }, make("ul", { class: "differences" }, ...items), more);
  return make("details", { class: "group", open: kind === "removed" || count <= 20 }, title, list);
}

// The same is said by the heading; a screen reader need not read it before each name.
function sign(kind) {
  const made = make("span", { class: `sign ${kind}` }, SIGNS[kind]);
  made.setAttribute("aria-hidden", "true");
  return made;
}

function rolesOf(row) {
  const after = words.roles[row.role];
  if (row.others) return [...row.others.map((role) => words.roles[role]), after].join(" + ");
  const roles = row.before ? `${words.roles[row.before]} → ${after}` : after;
  return row.why ? `${roles}: ${row.why}` : roles;
}

function faultsOf({ faults }) {
  if (!faults.count) return null;
  const title = make("summary", {}, fill(words.groups.faults, { count: faults.count }));
  const items = faults.rows.map(({ line, text }) => make("li", {}, line ? make("strong", {}, `${fill(words.line, { line })} `) : "", bdi(text)));
  const more = faults.count > faults.rows.length ? make("p", { class: "quiet" }, fill(words.and_more, { count: faults.count - faults.rows.length })) : null;
  const list = make("div", { class: "scrolling", tabIndex: 0, role: "region", "aria-label": words.faults_title }, make("ul", { class: "differences" }, ...items), more);
  return make("details", { class: "group faults", open: true }, title, list);
}

function listOf(file) {
  const transfer = new DataTransfer();
  transfer.items.add(file);
  return transfer.files;
}

function asBase64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(new Refused(reader.error.name === "NotReadableError" ? words.file_changed : words.not_read)));
    reader.readAsDataURL(blob);
  });
}
