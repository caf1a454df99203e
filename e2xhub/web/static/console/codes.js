// Issues codes, and shows them once. They are in this page's memory alone: closing it is for good.
import { postInParts } from "./api.js";
import { buttons, field, groupField } from "./dialog.js";
import { bdi, compare, fill, make, page, words } from "./dom.js";
import * as known from "./people.js";

const REASON_MAX = 200;

export class Codes {
  constructor(dialog) {
    this.dialog = dialog;
    this.slips = null;
    window.addEventListener("beforeunload", (event) => {
      if (this.slips) event.preventDefault();
    });
  }

  // For all without a code, in a room or everywhere.
  askForMany(room) {
    const groups = withoutCode(room);
    if (!groups.length) return this.dialog.show(words.issue_title, [make("p", {}, words.nobody_left), buttons(this.dialog.cancelButton(words.close))]);
    const label = (group) => fill(words.issue_button, { count: group.people.length });
    const choice = groupField(words.for_whom, groups, (group) => {
      asked.submit.textContent = label(group);
    });
    const asked = this.dialog.ask(words.issue_title, words.issue_text, [choice], {
      button: label(groups[0]),
      act: () => this.issue(choice.chosen().people, ""),
    });
  }

  askForOne(person) {
    const name = known.nameOf(person);
    if (!person.generation) return this.issue([person], "");
    const input = make("input", { type: "text", maxLength: REASON_MAX, autocomplete: "off" });
    const check = (value) => (value ? "" : words.reason_needed);
    const reason = field(words.reason, input, { help: words.reason_help, check });
    this.dialog.ask(fill(words.reissue_title, { name }), words.reissue_text, [reason], {
      button: words.reissue_button,
      harmful: true,
      act: () => this.issue([person], input.value.trim()),
    });
  }

  async issue(people, reason) {
    const progress = this.dialog.showProgress(words.issuing, (done, count) => fill(words.progress, { done, count }));
    const makeBody = (part) => ({ people: part.map(({ username, generation }) => ({ username, generation })), reason });
    const result = await postInParts("issue", people, makeBody, progress);
    const found = result.answers.map(({ slips }) => slips).filter(Boolean);
    if (found.length) this.slips = { ...found[0], slips: found.flatMap(({ slips }) => slips) };
    this.showCodes(result);
  }

  showCodes(result) {
    const faults = tellFaults(result);
    if (!this.slips) {
      this.dialog.show(words.issue_title, [...faults, buttons(this.dialog.cancelButton(words.close))]);
      return;
    }
    const { slips } = this.slips;
    const isOne = slips.length === 1;
    const title = isOne ? fill(words.one_code_title, { name: slipName(slips[0]) }) : fill(words.codes_title, { count: slips.length });
    const told = make("p", { class: "warning" }, isOne ? words.one_code_once : words.codes_once);
    const codes = isOne ? oneCode(slips[0]) : codeTable(slips);
    const status = make("p", { role: "status", class: "quiet" });
    this.again = () => this.showCodes(result);
    this.dialog.show(title, [...faults, told, codes, this.printing(status), status, this.closing()], { guard: () => this.askToClose(), wide: !isOne });
  }

  printing(status) {
    const button = (text, act) => make("button", { type: "button", class: "quiet-button", onclick: act }, text);
    return buttons(
      make("button", { type: "button", onclick: () => this.openPage() }, words.print),
      button(words.pdf, () => this.save("pdf", status)),
      button(words.csv, () => this.save("csv", status)),
    );
  }

  closing() {
    return buttons(make("button", { type: "button", class: "quiet-button", onclick: () => this.askToClose() }, words.close_codes));
  }

  // Never closes at once: the question takes the place of the codes.
  askToClose() {
    const close = () => {
      this.slips = null;
      this.dialog.close();
    };
    const back = make("button", { type: "button", onclick: () => this.again() }, words.close_no);
    this.dialog.ask(words.close_codes, words.close_question, [], { button: words.close_yes, harmful: true, act: close });
    this.dialog.element.querySelector(".buttons").firstChild.replaceWith(back);
    this.dialog.guard = () => {
      this.again();
      return false;
    };
    back.focus();
    return false;
  }

  fields() {
    return { _xsrf: page.xsrf, slips: JSON.stringify(this.slips) };
  }

  openPage() {
    const form = make("form", { method: "post", action: `${page.path}/slips/page`, target: "_blank", hidden: true });
    for (const [name, value] of Object.entries(this.fields())) form.append(make("input", { type: "hidden", name, value }));
    document.body.append(form);
    form.submit();
    form.remove();
  }

  async save(kind, status) {
    status.className = "quiet";
    status.textContent = kind === "pdf" ? words.pdf_waits : words.working;
    try {
      const answer = await fetch(`${page.path}/slips/${kind}`, {
        method: "POST",
        headers: { "X-XSRFToken": page.xsrf },
        body: new URLSearchParams({ slips: JSON.stringify(this.slips) }),
      });
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).message || words.failed);
      const name = `${this.slips.exam}.${kind}`;
      download(await answer.blob(), name);
      const missing = answer.headers.get("X-E2X-Without-Font");
      status.textContent = fill(words.saved, { name });
      if (missing) status.textContent += ` ${fill(words.no_font, { names: decodeURIComponent(missing) })}`;
    } catch (error) {
      status.className = "error";
      status.textContent = error instanceof TypeError ? words.failed : error.message;
    }
  }
}

function withoutCode(room) {
  const people = known.everybody().filter(known.hasNoCode);
  const groups = [{ text: fill(words.issue_for, { count: people.length }), people, room: null }];
  for (const name of known.rooms()) {
    const inside = people.filter((person) => person.room === name);
    groups.push({ text: fill(words.in_room, { room: name || words.no_room, count: inside.length }), people: inside, room: name });
  }
  const found = groups.filter((group) => group.people.length);
  // The room that is chosen above the list comes first: it is the one that is meant.
  return found.sort((one, other) => (other.room === room) - (one.room === room));
}

export function tellFaults({ refused, lost, error }) {
  const told = [];
  if (refused.length) {
    told.push(make("p", { class: "error", role: "alert" }, fill(words.not_done, { count: refused.length })));
    const item = ({ username, message }) => make("li", {}, make("strong", {}, bdi(username)), `: ${message}`);
    told.push(make("ul", { class: "refused" }, ...refused.map(item)));
  }
  if (error) told.push(make("p", { class: "error", role: "alert" }, error));
  if (lost.some((person) => person.generation !== undefined)) {
    told.push(make("p", { class: "error" }, fill(words.lost, { names: lost.map(({ username }) => username).join(", ") })));
  }
  return told;
}

function slipName(slip) {
  return [slip.first_name, slip.last_name].filter(Boolean).join(" ") || slip.username;
}

function oneCode(slip) {
  const place = [slip.room && `${words.room} ${slip.room}`, slip.seat && `${words.seat} ${slip.seat}`].filter(Boolean).join(" · ");
  return make(
    "div",
    { class: "one-code" },
    make("p", { class: "code" }, slip.code),
    make("p", {}, bdi(slipName(slip)), " · ", make("span", { class: "typed" }, slip.username), place ? ` · ${place}` : ""),
  );
}

function codeTable(slips) {
  const sorted = [...slips].sort((one, other) => compare(one.room, other.room) || compare(one.seat, other.seat) || compare(one.last_name, other.last_name));
  const columns = [words.name, words.username, words.room, words.seat, words.code];
  const head = make("tr", {}, ...columns.map((text) => make("th", { scope: "col" }, text)));
  const row = (slip) =>
    make("tr", {}, ...[slipName(slip), slip.username, slip.room, slip.seat].map((text) => make("td", {}, bdi(text))), make("td", { class: "typed" }, slip.code));
  const table = make("table", { class: "codes" }, make("thead", {}, head), make("tbody", {}, ...sorted.map(row)));
  return make("div", { class: "scrolling", tabIndex: 0, role: "region", "aria-label": words.code }, table);
}

function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
