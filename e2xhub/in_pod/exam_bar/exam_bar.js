// The bar itself: a strip at the top of the page, and below it what proctors say.
// It takes the keyboard only from somebody who presses its buttons.
const STYLE = new URL("./exam_bar.css", import.meta.url).href;

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (found, name) => values[name] ?? found);
}

// "09:05" of "2027-02-05T09:05:00+01:00": the university's time, wherever this computer is.
export function hourOf(moment) {
  return moment.slice(11, 16);
}

// The same of `now` (milliseconds since 1970), in the time zone of `moment`.
export function hourAt(now, moment) {
  const local = moment.slice(0, 19);
  const zone = Date.parse(`${local}Z`) - Date.parse(local + moment.slice(-6));
  return new Date(now + zone).toISOString().slice(11, 16);
}

// Always with hours: "1:07" could be minutes or hours.
function spell(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  const rest = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return `${Math.floor(seconds / 3600)}:${rest}`;
}

export class ExamBar {
  constructor({ language, words }, submit) {
    this.words = words;
    this.submit = submit;
    this.hasUnread = false;
    this.root = make("section", "e2x-exam-bar");
    this.root.lang = language;
    this.root.setAttribute("aria-label", words.exam);
    this.build();
    this.addToPage();
  }

  build() {
    const { words } = this;
    this.title = make("strong", "e2x-exam-title");
    this.time = make("span", "e2x-exam-time");
    this.time.setAttribute("role", "timer");
    this.note = make("span", "e2x-exam-note");
    this.note.setAttribute("role", "status");
    this.spoken = make("p", "e2x-exam-spoken");
    this.spoken.setAttribute("role", "alert");
    this.alert = this.makeAlert();
    this.messagesButton = this.makeButton("", () => this.toggle(this.messages));
    this.messagesButton.hidden = true;
    this.submitButton = this.makeButton(words.submit, () => this.toggle(this.question));
    this.messages = make("div", "e2x-exam-panel");
    this.question = this.makeQuestion();
    for (const [button, panel] of this.pairs()) {
      button.setAttribute("aria-expanded", "false");
      panel.hidden = true;
    }
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.closeAll();
    });
    this.strip = make("div", "e2x-exam-strip");
    const buttons = make("span", "e2x-exam-buttons");
    buttons.append(this.messagesButton, this.submitButton);
    this.strip.append(this.title, this.time, this.note, buttons);
    this.root.append(this.strip, this.alert, this.spoken, this.messages, this.question);
  }

  makeAlert() {
    const alert = make("div", "e2x-exam-alert");
    this.warning = make("p", "");
    this.warning.setAttribute("role", "alert");
    this.closeButton = this.makeButton(this.words.close, () => this.warn(""));
    alert.append(this.warning, this.closeButton);
    alert.hidden = true;
    return alert;
  }

  pairs() {
    return [[this.messagesButton, this.messages], [this.submitButton, this.question]];
  }

  makeButton(text, press) {
    const button = make("button", "e2x-exam-button", text);
    button.type = "button";
    button.addEventListener("click", press);
    return button;
  }

  makeQuestion() {
    const { words } = this;
    const panel = make("div", "e2x-exam-panel");
    let isBusy = false;
    const yes = this.makeButton(words.submit_yes, async () => {
      if (isBusy) return;
      isBusy = true;
      const done = await this.submit();
      isBusy = false;
      if (done) this.toggle(this.question, false);
      else this.warn(words.submit_failed);
    });
    const no = this.makeButton(words.submit_no, () => this.toggle(this.question, false));
    panel.append(make("p", "", words.submit_question), yes, no);
    return panel;
  }

  // The page's own content begins below the bar, however high that is.
  addToPage() {
    const style = make("link", "");
    style.rel = "stylesheet";
    style.href = STYLE;
    document.head.append(style);
    document.body.prepend(this.root);
    document.documentElement.classList.add("e2x-has-exam-bar");
    new ResizeObserver(() => {
      const height = `${Math.ceil(this.root.getBoundingClientRect().height)}px`;
      document.documentElement.style.setProperty("--e2x-exam-bar-height", height);
      window.dispatchEvent(new Event("resize"));
    }).observe(this.root);
  }

  remove() {
    document.documentElement.classList.remove("e2x-has-exam-bar");
    this.root.remove();
    window.dispatchEvent(new Event("resize"));
  }

  toggle(panel, open = panel.hidden) {
    for (const [button, other] of this.pairs()) {
      const isShown = other === panel && open;
      const hadFocus = other.contains(document.activeElement);
      other.hidden = !isShown;
      button.setAttribute("aria-expanded", String(isShown));
      if (!isShown && hadFocus) button.focus();
    }
    if (open) panel.querySelector("button")?.focus();
    else if (panel === this.question && this.hasUnread) this.openMessages();
  }

  closeAll() {
    for (const [, panel] of this.pairs()) if (!panel.hidden) this.toggle(panel, false);
  }

  // Shown until it is put away or something else is; what `stays` cannot be put away.
  warn(text, stays = false) {
    this.alert.hidden = !text;
    this.closeButton.hidden = stays;
    if (this.warning.textContent !== text) this.warning.textContent = text;
  }

  // For those who listen instead of looking.
  speak(text) {
    this.spoken.textContent = text;
  }

  tell(text) {
    this.note.textContent = text;
  }

  showExam({ title, submitted_at: submittedAt }) {
    const { words } = this;
    this.title.textContent = title;
    this.submitButton.hidden = false;
    const said = submittedAt && fill(words.submitted, { time: hourOf(submittedAt) });
    const label = said || words.submit;
    if (this.submitButton.textContent !== label) this.submitButton.textContent = label;
    this.submitButton.classList.toggle("e2x-exam-done", Boolean(said));
  }

  // Ticks beside the sentence that says why: what is read out is not read out every second.
  showCountdown(milliseconds) {
    const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
    this.time.textContent = fill(this.words.signing_out, { seconds });
    this.root.classList.add("e2x-exam-now");
  }

  showSignedOut() {
    this.time.textContent = "";
    this.root.classList.add("e2x-exam-now");
    this.submitButton.hidden = true;
    this.closeAll();
  }

  showTime({ starts_at: startsAt, ends_at: endsAt, finished_at: finishedAt }, now) {
    const { words } = this;
    const left = Date.parse(endsAt) - now;
    let text = fill(words.remaining, { time: spell(left), end: hourOf(endsAt) });
    if (finishedAt) text = words.finished;
    else if (left <= 0) text = words.ended;
    else if (Date.parse(startsAt) > now) text = fill(words.starts, { time: hourOf(startsAt) });
    if (this.time.textContent !== text) this.time.textContent = text;
    this.root.classList.toggle("e2x-exam-soon", !finishedAt && left <= 10 * 60_000);
    this.root.classList.toggle("e2x-exam-now", !finishedAt && left <= 5 * 60_000);
  }

  // Messages stay until they are put away, and can be opened again.
  showMessages(messages, isRead, markRead) {
    const { words } = this;
    this.hasUnread = !messages.every(isRead);
    this.messagesButton.hidden = messages.length === 0;
    this.messagesButton.textContent = fill(words.messages, { count: messages.length });
    const focused = this.messages.contains(document.activeElement) && document.activeElement;
    this.messages.replaceChildren(
      ...[...messages].reverse().map((message) => this.makeMessage(message, isRead, markRead)),
    );
    if (focused) this.findRead(focused.dataset.number)?.focus();
  }

  // The button of a message, or of another one where that is read.
  findRead(number) {
    const buttons = [...this.messages.querySelectorAll("button")];
    return buttons.find((button) => button.dataset.number === number) || buttons[0];
  }

  makeMessage(message, isRead, markRead) {
    const { words } = this;
    const article = make("article", "e2x-exam-message");
    article.append(make("p", "e2x-exam-from", fill(words.from, { time: hourOf(message.sent_at) })));
    const text = make("p", "e2x-exam-text", message.text);
    text.dir = "auto";
    article.append(text);
    if (!isRead(message)) {
      article.classList.add("e2x-exam-new");
      const button = this.makeButton(words.read, () => markRead(message));
      button.dataset.number = message.number;
      article.append(button);
    }
    return article;
  }

  // Opens the panel without taking the keyboard: somebody may be typing, or answering the question.
  openMessages() {
    if (!this.question.hidden) return;
    this.messages.hidden = false;
    this.messagesButton.setAttribute("aria-expanded", "true");
  }

  closeMessages() {
    this.toggle(this.messages, false);
  }
}
