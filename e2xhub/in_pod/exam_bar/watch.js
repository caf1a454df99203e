// Asks the hub every few seconds, and does what is due: tells, warns, saves.
import { ExamBar, fill, hourAt, hourOf } from "./exam_bar.js";
import { Clock, Hub } from "./hub.js";

const SECOND = 1000;
const WARNINGS = [[10 * 60, "ten_minutes"], [5 * 60, "five_minutes"]];
const SAVE_BEFORE_END = [60, 10];
// Not all browsers of an exam save at the same moment.
const SPREAD_SECONDS = 8;
const LONGEST_WAIT_SECONDS = 60;
const FAILURES_UNTIL_TOLD = 3;
const SIGNED_OUT = [401, 403];
const SAVE_BEFORE_SIGN_OUT = [10, 3];
const MOST_SECONDS_OF_A_SAVE = 5;
const HIDDEN_SECONDS = 10;

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * SECOND));

// Whether it was saved, and in time: a program may ask the person something meanwhile.
async function isSaved(document) {
  const tooLong = sleep(MOST_SECONDS_OF_A_SAVE).then(() => false);
  const attempt = Promise.resolve().then(() => document.save()).then(() => true, () => false);
  return Promise.race([attempt, tooLong]);
}

class ExamWatch {
  constructor(words, hub, { findUnsaved = () => [], lock = null }) {
    this.known = words;
    this.words = words.words;
    this.hub = hub;
    this.findUnsaved = findUnsaved;
    this.lock = lock;
    this.saving = Promise.resolve();
    this.wake = () => {};
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
    else if (this.failures === FAILURES_UNTIL_TOLD && !this.isLeaving) {
      this.bar.warn(this.words.offline);
    }
    return Math.min(5 * 2 ** (this.failures - 1), LONGEST_WAIT_SECONDS);
  }

  // Nothing is saved from now on: the attempt would fail, and the program would say so.
  tellSignedOut() {
    const isOver = this.state && Date.parse(this.state.ends_at) <= this.clock.now();
    const word = isOver ? "over" : "signed_out";
    this.isSignedOut = true;
    this.bar.tell("");
    this.bar.showSignedOut();
    this.bar.warn(this.words[this.lock ? `${word}_not_kept` : word], true);
    this.lock?.set(true);
  }

  get isLeaving() {
    return this.isSignedOut || this.leftHere !== null;
  }

  // Seconds; null: nobody is about to be signed out.
  get leftHere() {
    const end = this.state?.signs_out_at;
    return end ? (Date.parse(end) - this.clock.now()) / SECOND : null;
  }

  take(state) {
    const before = this.state;
    this.clock.set(state.now);
    // The browser's cookie is that of somebody else now; this page can do nothing any more.
    if (before && before.username !== state.username) return this.tellSignedOut();
    this.state = state;
    if (this.failures >= FAILURES_UNTIL_TOLD || this.isSignedOut) this.bar.warn("");
    if (before?.signs_out_at && !state.signs_out_at) this.bar.warn("");
    this.isSignedOut = false;
    this.lock?.set(false);
    this.bar.showExam(state);
    if (state.signs_out_at) this.tellSigningOut(before);
    if (before && before.ends_at !== state.ends_at) this.tellNewEnd();
    this.takeMessages(before ? before.messages : []);
    this.tick();
  }

  tellSigningOut(before) {
    this.bar.warn(this.words[`signing_out_${this.state.signs_out_why}`], true);
    if (before?.signs_out_at === this.state.signs_out_at) return;
    for (const seconds of SAVE_BEFORE_SIGN_OUT) this.done.delete(`sign-out ${seconds}`);
    void this.saveAll();
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
    if (this.isSignedOut) return this.lock?.set(true);
    if (!this.state) return;
    if (this.leftHere !== null) return this.countDown(this.leftHere);
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

  countDown(left) {
    if (left <= 0) {
      this.tellSignedOut();
      return;
    }
    this.bar.showCountdown(left * SECOND);
    for (const seconds of SAVE_BEFORE_SIGN_OUT) {
      if (left <= seconds && this.isFirst(`sign-out ${seconds}`)) void this.saveAll();
    }
  }

  isFirst(what) {
    const isFirst = !this.done.has(what);
    this.done.add(what);
    return isFirst;
  }

  // One attempt after the other.
  saveAll() {
    const saveNow = () => this.saveUnsaved();
    this.saving = this.saving.then(saveNow, saveNow);
    return this.saving;
  }

  // Says that something is saved when it is. A failure may be the first sign of a sign-out.
  async saveUnsaved() {
    const documents = this.isSignedOut ? [] : this.findUnsaved();
    if (!documents.length) return;
    this.bar.tell("");
    const saved = await Promise.all(documents.map(isSaved));
    if (this.isSignedOut) return;
    if (saved.every(Boolean)) {
      const time = hourAt(this.clock.now(), this.state.now);
      this.bar.tell(fill(this.words.saved, { time }));
      return;
    }
    if (this.leftHere === null) this.bar.warn(this.words.not_saved);
    else this.bar.tell(this.words.not_saved);
    this.wake();
  }

  // Until it is time to ask again, or somebody has a reason to ask now.
  async wait(seconds) {
    const rest = document.hidden ? Math.max(seconds, HIDDEN_SECONDS) : seconds;
    const woken = new Promise((resolve) => (this.wake = resolve));
    await Promise.race([sleep(rest * (0.9 + 0.2 * Math.random())), woken]);
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

// `findUnsaved` gives the documents of the page that are changed, each with a `save()`; `lock.set`
// says whether somebody may type. A page without documents has neither.
export async function watchExam({ hubUrl, ...page }) {
  const hub = new Hub(hubUrl);
  const words = await findWords(hub);
  if (!words) return;
  const watch = new ExamWatch(words, hub, page);
  setInterval(() => watch.tick(), SECOND);
  document.addEventListener("visibilitychange", () => document.hidden || watch.wake());
  for (;;) {
    const seconds = await watch.look();
    if (seconds === null) return;
    // Hidden pages hear of things later, so that people with many tabs cost the hub less.
    await watch.wait(seconds);
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
