// Asks the hub every few seconds, and does what is due: tells, warns, saves.
import { ExamBar, hourOf } from "./exam_bar.js";
import { Clock, Hub } from "./hub.js";

const SECOND = 1000;
const WARNINGS = [[10 * 60, "ten_minutes"], [5 * 60, "five_minutes"]];
const SAVE_BEFORE_END = [60, 10];
// Not all browsers of an exam save at the same moment.
const SPREAD_SECONDS = 8;
const LONGEST_WAIT_SECONDS = 60;
const FAILURES_UNTIL_TOLD = 3;
const SIGNED_OUT = [401, 403];

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * SECOND));

class ExamWatch {
  constructor(words, hub, save) {
    this.known = words;
    this.words = words.words;
    this.hub = hub;
    this.save = save;
    this.clock = new Clock();
    this.shown = null;
    this.state = null;
    this.failures = 0;
    this.isSignedOut = false;
    this.done = new Set();
    this.spread = Math.random() * SPREAD_SECONDS;
  }

  // Made when there is something to show: staff of an exam sit none.
  get bar() {
    this.shown ??= new ExamBar(this.known, () => this.submit());
    return this.shown;
  }

  // Returns after how many seconds to ask again; null: never.
  async look() {
    try {
      this.take(await this.hub.look());
      this.failures = 0;
      this.isSignedOut = false;
      return this.state.poll_seconds;
    } catch (error) {
      return this.miss(error.status);
    }
  }

  miss(status) {
    if (status === 404) {
      this.shown?.remove();
      return null;
    }
    this.failures += 1;
    if (SIGNED_OUT.includes(status)) this.tellSignedOut();
    else if (this.failures === FAILURES_UNTIL_TOLD) this.bar.warn(this.words.offline);
    return Math.min(5 * 2 ** (this.failures - 1), LONGEST_WAIT_SECONDS);
  }

  tellSignedOut() {
    const isOver = this.state && Date.parse(this.state.ends_at) <= this.clock.now();
    this.bar.warn(isOver ? this.words.ended : this.words.signed_out);
    if (!this.isSignedOut) void this.saveAll();
    this.isSignedOut = true;
  }

  take(state) {
    const before = this.state;
    this.state = state;
    this.clock.set(state.now);
    if (this.failures >= FAILURES_UNTIL_TOLD || this.isSignedOut) this.bar.warn("");
    this.bar.showExam(state);
    if (before && before.ends_at !== state.ends_at) this.tellNewEnd();
    this.takeMessages(before ? before.messages : []);
    this.tick();
  }

  tellNewEnd() {
    this.bar.warn(this.words.new_end.replace("{time}", hourOf(this.state.ends_at)));
    this.done.clear();
  }

  takeMessages(before) {
    const known = new Set(before.map((message) => message.number));
    const added = this.state.messages.filter((message) => !known.has(message.number));
    if (!added.length) return;
    this.showMessages();
    const unread = added.filter((message) => !this.isRead(message));
    if (!unread.length) return;
    this.bar.openMessages();
    this.bar.speak(unread.map((message) => message.text).join(" "));
    void this.saveAll();
  }

  showMessages() {
    const markRead = (message) => this.markRead(message);
    this.bar.showMessages(this.state.messages, (message) => this.isRead(message), markRead);
  }

  // What was read is kept for the tab: after a crash, everything is shown again.
  get readKey() {
    return `e2x-read:${this.state.exam}:${this.state.username}`;
  }

  isRead(message) {
    return (sessionStorage.getItem(this.readKey) || "").split(" ").includes(String(message.number));
  }

  markRead(message) {
    const read = sessionStorage.getItem(this.readKey) || "";
    sessionStorage.setItem(this.readKey, `${read} ${message.number}`);
    if (this.state.messages.every((each) => this.isRead(each))) this.bar.closeMessages();
    this.showMessages();
  }

  // Every second.
  tick() {
    if (!this.state) return;
    const now = this.clock.now();
    this.bar.showTime(this.state, now);
    const left = (Date.parse(this.state.ends_at) - now) / SECOND;
    if (this.state.finished_at || left < -SPREAD_SECONDS) return;
    for (const seconds of SAVE_BEFORE_END) {
      if (left <= seconds + this.spread && this.isFirst(`save ${seconds}`)) void this.saveAll();
    }
    for (const [seconds, word] of WARNINGS) {
      const isFirst = left <= seconds && this.isFirst(word);
      if (isFirst && left > seconds - 30) this.bar.warn(this.words[word]);
    }
  }

  isFirst(what) {
    const isFirst = !this.done.has(what);
    this.done.add(what);
    return isFirst;
  }

  async saveAll() {
    if (!this.save) return;
    const failed = await this.save();
    if (failed) this.bar.warn(this.words.not_saved);
    else this.bar.tell(this.words.saved.replace("{time}", hourOf(this.state.now)));
  }

  async submit() {
    await this.saveAll();
    try {
      this.take(await this.hub.submit());
      return true;
    } catch {
      return false;
    }
  }
}

// `save` saves all documents of the page and tells how many could not be saved; a page without
// documents has none.
export async function watchExam({ hubUrl, save = null }) {
  const hub = new Hub(hubUrl);
  const words = await findWords(hub);
  if (!words) return;
  const watch = new ExamWatch(words, hub, save);
  setInterval(() => watch.tick(), SECOND);
  for (;;) {
    const seconds = await watch.look();
    if (seconds === null) return;
    // Hidden pages hear of things later, so that people with many tabs cost the hub no more.
    await sleep(seconds * (0.9 + 0.2 * Math.random()) * (document.hidden ? 4 : 1));
  }
}

async function findWords(hub) {
  for (let wait = 5; ; wait = Math.min(2 * wait, LONGEST_WAIT_SECONDS)) {
    try {
      return await hub.words();
    } catch (error) {
      if (error.status === 404) return null;
      await sleep(wait);
    }
  }
}
