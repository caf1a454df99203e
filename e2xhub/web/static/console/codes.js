// Issues codes, and shows them once. They are in this page's memory alone: closing it is for good.
import { postInParts, session } from "./api.js";
import { buttons, reasonField } from "./dialog.js";
import { bdi, compare, fill, make, page, words } from "./dom.js";
import { askForGroup, groupsOf } from "./groups.js";
import * as known from "./people.js";
import { moreButton, tellFaults } from "./results.js";

export class Codes {
  constructor(dialog) {
    this.dialog = dialog;
    this.slips = null;
    this.isIssuing = false;
    window.addEventListener("beforeunload", (event) => {
      if (this.slips || this.isIssuing) event.preventDefault();
    });
  }

  // For all without a code, in a room or everywhere; also for those whose slips are lost.
  askForMany(where) {
    const everybody = known.everybody();
    const renewal = { all: words.renew_for, room: words.renew_room, shown: words.renew_shown };
    const groups = [
      ...groupsOf(everybody.filter(known.hasNoCode), where, { all: words.issue_for }),
      ...groupsOf(everybody.filter(known.hasUnusedCode), where, renewal, { isRenewal: true }),
    ];
    if (!groups.length) return this.dialog.show(words.issue_title, [make("p", {}, words.nobody_left), buttons(this.dialog.cancelButton(words.close))]);
    const reason = reasonField(true);
    reason.isFor = (group) => group.isRenewal;
    askForGroup(this.dialog, words.issue_title, words.issue_text, groups, [reason], {
      label: ({ people, isRenewal }) => fill(isRenewal ? words.renew_button : words.issue_button, { count: people.length }),
      act: ({ people, isRenewal }) => this.issue(people, isRenewal ? reason.value() : ""),
      isHarmful: ({ isRenewal }) => Boolean(isRenewal),
    });
  }

  askForOne(person) {
    const name = known.nameOf(person);
    if (!person.generation) return this.issue([person], "");
    const reason = reasonField(true);
    this.dialog.ask(fill(words.reissue_title, { name }), words.reissue_text, [reason], {
      button: words.reissue_button,
      harmful: true,
      act: () => this.issue([person], reason.value()),
    });
  }

  async issue(people, reason) {
    this.showCodes(await this.ask(people, reason), reason);
  }

  async ask(people, reason) {
    const progress = this.dialog.showProgress(words.issuing, (done, count) => fill(words.progress, { done, count }));
    const makeBody = (part) => ({ people: part.map(({ username, generation }) => ({ username, generation })), reason });
    this.isIssuing = true;
    const result = await postInParts("issue", people, makeBody, progress, ({ slips }) => this.keep(slips));
    this.isIssuing = false;
    return result;
  }

  // At once, beside those that are there: what comes later may fail.
  keep(slips) {
    if (!slips) return;
    const renewed = new Set(slips.slips.map(({ username }) => username));
    const others = (this.slips?.slips ?? []).filter(({ username }) => !renewed.has(username));
    this.slips = { ...slips, slips: [...others, ...slips.slips] };
  }

  // For those whose codes may have been made, and were seen by nobody.
  async renew({ lost, left }, reason) {
    const asTheyAre = lost.map((person) => known.people.get(person.username) ?? person);
    const result = await this.ask(asTheyAre, words.lost_reason);
    this.showCodes({ ...result, lost: [...result.lost, ...result.left], left }, reason);
  }

  async goOn({ lost, left }, reason) {
    const result = await this.ask(left, reason);
    this.showCodes({ ...result, lost: [...lost, ...result.lost] }, reason);
  }

  furtherButtons(result, reason) {
    const { lost, left } = result;
    const found = [];
    if (lost.length) found.push(moreButton(words.renew_lost, lost, () => this.renew(result, reason)));
    if (left.length) found.push(moreButton(words.go_on, left, () => this.goOn(result, reason)));
    return found.length && !session.isOver ? [buttons(...found)] : [];
  }

  showCodes(result, reason) {
    const faults = [...tellFaults(result, words.lost), ...this.furtherButtons(result, reason)];
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
    this.again = () => this.showCodes(result, reason);
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
