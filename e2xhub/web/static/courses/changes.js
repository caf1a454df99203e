// Adds and removes one person; the last change can be taken back.
import { fill, make, page, setText, words } from "../console/dom.js";
import { buttons, field, groupField } from "../console/dialog.js";
import { post, sentenceOf } from "./api.js";

export class Changes {
  // `onChanged` is told who came in; `onTold`, that the result is to be seen.
  constructor(dialog, mayChange, onChanged, onTold) {
    this.dialog = dialog;
    this.mayChange = mayChange;
    this.onChanged = onChanged;
    this.onTold = onTold;
    this.result = document.getElementById("result");
    this.text = document.getElementById("result-text");
    this.undo = document.getElementById("undo-button");
    this.undo.addEventListener("click", () => this.takeBack());
  }

  askToAdd() {
    const name = make("input", { type: "text", autocomplete: "off", spellcheck: false, maxLength: 200 });
    name.setAttribute("autocapitalize", "off");
    const role = make("select", {}, ...this.mayChange.map((it) => make("option", { value: it }, words.roles[it])));
    const fields = [
      field(words.username, name, { help: words.username_help, check: (value) => (value ? "" : words.username_needed) }),
      field(words.columns.role, role),
    ];
    const act = (form) => this.run(form, { add: [{ username: name.value.trim(), role: role.value }], remove: [], other_roles: "ask" });
    this.dialog.ask(words.add_title, "", fields, { button: words.add, act });
    name.focus();
  }

  askToChangeRole(member) {
    const values = { name: member.username, role: words.roles[member.role] };
    const others = this.mayChange.filter((it) => it !== member.role);
    const role = make("select", {}, ...others.map((it) => make("option", { value: it }, words.roles[it])));
    const { username } = member;
    const act = (form) => this.run(form, { add: [{ username, role: role.value }], remove: [{ username, role: member.role }] });
    this.dialog.ask(fill(words.change_role_of, values), "", [field(words.new_role, role)], { button: words.change_role, act });
    role.focus();
  }

  // Somebody has a role already: `question` says which, and what could become of it.
  askAboutRoles(change, { name, text, replace, keep }) {
    const choices = [{ value: "replace", text: replace }, { value: "keep", text: keep }].filter((it) => it.text);
    const choice = groupField(fill(words.which_role, { name }), choices, () => {});
    const act = (form) => this.run(form, { ...change, other_roles: choice.chosen().value });
    this.dialog.ask(words.several_title, text, [choice], { button: words.add, act });
  }

  askToRemove(member) {
    const values = { name: member.username, role: words.roles[member.role] };
    this.dialog.ask(fill(words.remove_title, values), words.remove_text, [], {
      button: words.remove,
      harmful: true,
      act: (form) => this.run(form, { add: [], remove: [{ username: member.username, role: member.role }] }),
    });
  }

  // `form` shows what went wrong, so that what was typed is not lost.
  async run(form, change, action = "change") {
    try {
      const told = await post(action, change);
      if (told.question) {
        this.askAboutRoles(change, told.question);
        return;
      }
      if (told.preview) {
        this.askAgain(change.change, told);
        return;
      }
      this.tell(told);
      this.dialog.close();
      this.onTold();
    } catch (error) {
      const told = form.querySelector(".error");
      told.textContent = sentenceOf(error);
      told.hidden = false;
      form.querySelector("[type=submit]").disabled = false;
    }
  }

  // A change that the history tells of: the hub says how many people it is about.
  async askToUndo(change) {
    try {
      this.showUndo(change, await post("undo-preview", { change }));
    } catch (error) {
      this.showFailure(error);
    }
  }

  showUndo(change, told, message = "") {
    const said = message ? [make("p", { role: "alert" }, message)] : [];
    if (!told.can_apply) {
      this.dialog.show(words.undo_title, [...said, make("p", {}, told.text), buttons(this.dialog.cancelButton(words.close))]);
      return;
    }
    const { digest } = told;
    const act = (form) => (told.loses_many ? this.askAboutLoss(change, told) : this.run(form, { change, digest }, "undo"));
    const save = saveLink(`history/${change}.csv`, words.save_change);
    this.dialog.ask(words.undo_title, told.text, [...said, save], { button: words.undo, harmful: true, act });
  }

  // Many would be removed, as by a list that is the wrong one.
  askAboutLoss(change, told) {
    const save = saveLink("members.csv", words.save_members);
    this.dialog.ask(words.loss_title, told.loss_text, [save], {
      button: words.apply_loss,
      harmful: true,
      act: (form) => this.run(form, { change, digest: told.digest, confirm_loss: true }, "undo"),
    });
  }

  // The hub has done nothing yet: it is another difference than was shown, or none was.
  askAgain(change, { preview, message }) {
    if (preview.loses_many) this.askAboutLoss(change, preview);
    else this.showUndo(change, preview, message);
  }

  showFailure(error) {
    this.dialog.show(words.undo, [make("p", { class: "error", role: "alert" }, sentenceOf(error)), buttons(this.dialog.cancelButton(words.close))]);
  }

  // Says what has happened; `undo` names it for the hub, to take it back.
  tell({ message, undo, added }) {
    this.last = undo;
    this.result.hidden = false;
    setText(this.text, message);
    this.undo.hidden = !undo;
    this.onChanged(added);
  }

  async takeBack() {
    const change = this.last;
    if (!change) return;
    this.undo.hidden = true;
    this.last = null;
    try {
      const told = await post("undo", { change });
      if (told.preview) {
        this.last = change;
        this.undo.hidden = false;
        this.askAgain(change, told);
        return;
      }
      this.tell({ ...told, undo: null });
    } catch (error) {
      this.showFailure(error);
    }
    this.result.focus();
  }
}

function saveLink(file, text) {
  return make("p", {}, make("a", { class: "button quiet-button", href: `${page.path}/${file}`, download: "" }, text));
}
