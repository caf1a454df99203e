// The one dialog of the page. What does harm is armed a moment after it appears, so that a second tap
// of a finger that meant something else presses nothing.
import { make, page, words } from "./dom.js";

const ARMED_AFTER = 600;

export class Dialog {
  constructor() {
    this.element = document.getElementById("dialog");
    this.guard = null;
    this.element.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.askToClose();
    });
    // Some browsers close at a second Escape whatever is said.
    this.element.addEventListener("close", () => {
      if (this.guard && !this.isClosing) this.element.showModal();
    });
  }

  // Shows a title and what belongs below it. `guard` is asked before it is closed; what it returns
  // says whether it may be.
  show(title, content, { guard = null, wide = false } = {}) {
    this.guard = guard;
    this.isClosing = false;
    this.element.classList.toggle("wide", wide);
    const heading = make("h2", { id: "dialog-title", tabIndex: -1 }, title);
    this.element.replaceChildren(heading, ...content);
    if (!this.element.open) this.element.showModal();
    (this.element.querySelector("[autofocus]") ?? heading).focus();
    this.element.scrollTop = 0;
  }

  askToClose() {
    if (!this.guard || this.guard()) this.close();
  }

  close() {
    this.guard = null;
    this.isClosing = true;
    this.element.close();
    this.element.replaceChildren();
  }

  get isOpen() {
    return this.element.open;
  }

  cancelButton(text = words.cancel) {
    return make("button", { type: "button", class: "quiet-button", onclick: () => this.askToClose() }, text);
  }

  // A question with a form. `act` is called once, with the form, and may be slow.
  ask(title, text, fields, { button, harmful = false, act }) {
    const submit = make("button", { type: "submit", class: harmful ? "harmful" : "" }, button);
    const error = make("p", { class: "error", role: "alert", hidden: true });
    const form = make("form", { noValidate: true }, text ? make("p", {}, text) : null, ...fields, error, buttons(this.cancelButton(), submit));
    arm(submit);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (submit.disabled) return;
      const fault = fields.map((field) => !field.hidden && field.check?.()).find(Boolean);
      error.hidden = !fault;
      error.textContent = fault || "";
      if (fault) return;
      submit.disabled = true;
      await act(form);
    });
    this.show(title, [form]);
    return { submit, form };
  }

  // How far it is; returns a function that is told and says whether to go on.
  showProgress(title, tell) {
    let goesOn = true;
    const bar = make("progress", { max: 1, value: 0 });
    const text = make("p", { role: "status" }, words.working);
    bar.setAttribute("aria-label", title);
    const stop = make("button", { type: "button", class: "quiet-button" }, words.stop_here);
    stop.addEventListener("click", () => {
      goesOn = false;
      stop.disabled = true;
    });
    this.show(title, [text, bar, buttons(stop)], { guard: () => false });
    return (done, count) => {
      bar.max = count;
      bar.value = done;
      text.textContent = tell(done, count);
      return goesOn;
    };
  }
}

export function buttons(...children) {
  return make("div", { class: "buttons" }, ...children);
}

function arm(button) {
  button.disabled = true;
  setTimeout(() => {
    button.disabled = false;
  }, ARMED_AFTER);
}

// Why something is done; `value()` is what was typed.
export function reasonField(isNeeded = false) {
  const input = make("input", { type: "text", maxLength: page.reason_max, autocomplete: "off" });
  const check = (value) => (value || !isNeeded ? "" : words.reason_needed);
  const made = field(words.reason, input, { help: words.reason_help, check });
  made.value = () => input.value.trim();
  return made;
}

let fieldNumber = 0;

// A label with its field. `check` returns what is wrong with it, or nothing.
export function field(label, input, { help = "", check = () => "" } = {}) {
  fieldNumber += 1;
  input.id = `field-${fieldNumber}`;
  const parts = [make("label", { htmlFor: input.id }, label), input];
  if (help) {
    parts.push(make("p", { class: "quiet", id: `${input.id}-help` }, help));
    input.setAttribute("aria-describedby", `${input.id}-help`);
  }
  const element = make("div", { class: "field" }, ...parts);
  element.check = () => {
    const fault = check(input.value.trim());
    input.setAttribute("aria-invalid", String(Boolean(fault)));
    if (fault) input.focus();
    return fault;
  };
  return element;
}

// Which of several groups of people: a radio button for each that is not empty.
export function groupField(label, groups, onChange) {
  const fieldset = make("fieldset", {}, make("legend", {}, label));
  groups.forEach(({ text }, index) => {
    const radio = make("input", { type: "radio", name: "group", value: String(index), checked: index === 0 });
    fieldset.append(make("label", { class: "choice" }, radio, make("span", {}, text)));
  });
  fieldset.addEventListener("change", () => onChange(fieldset.chosen()));
  fieldset.chosen = () => groups[Number(fieldset.querySelector("input:checked").value)];
  return fieldset;
}
