// Hears of every change: server-sent events, read with fetch because the hub wants a header.
import { page } from "./dom.js";

const SILENT_AFTER = 10_000; // the hub says something every 4 s
const AGAIN_AFTER = [500, 1000, 2000, 4000];
const AWAY_AFTER = 60_000; // a page that nobody looks at need not hear anything

export class Stream {
  // `onState` gets "live", "connecting", "offline" or "signed-out".
  constructor({ onNews, onState }) {
    this.onNews = onNews;
    this.onState = onState;
    this.lastId = "";
    this.failures = 0;
    this.connect();
    document.addEventListener("visibilitychange", () => this.look());
    window.addEventListener("online", () => this.hurry());
    window.addEventListener("offline", () => this.lose(this.abort));
  }

  look() {
    clearTimeout(this.away);
    if (document.hidden) this.away = setTimeout(() => this.pause(), AWAY_AFTER);
    else if (this.paused) this.resume();
  }

  pause() {
    this.paused = true;
    clearTimeout(this.again);
    this.abort?.abort();
  }

  resume() {
    this.paused = false;
    this.onState("connecting");
    this.connect();
  }

  hurry() {
    if (this.waits && !this.paused) this.connect();
  }

  async connect() {
    clearTimeout(this.again);
    this.waits = false;
    const abort = (this.abort = new AbortController());
    try {
      await this.read(abort);
      this.failures = 0;
    } catch (error) {
      if (error instanceof SignedOut) return this.onState("signed-out");
      this.failures += 1;
    }
    clearTimeout(this.silence);
    if (this.paused || abort !== this.abort) return;
    if (this.failures > 1) this.onState("offline");
    this.waits = true;
    const pause = this.failures ? AGAIN_AFTER[Math.min(this.failures, AGAIN_AFTER.length) - 1] : 0;
    this.again = setTimeout(() => this.connect(), pause);
  }

  async read(abort) {
    this.expectNews(abort);
    const headers = { "X-XSRFToken": page.xsrf, Accept: "text/event-stream" };
    if (this.lastId) headers["Last-Event-ID"] = this.lastId;
    const answer = await fetch(`${page.path}/events`, { headers, signal: abort.signal, cache: "no-store" });
    if (answer.status === 403 || answer.status === 404 || answer.redirected) throw new SignedOut();
    if (!answer.ok) throw new Error(answer.statusText);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.expectNews(abort);
      text += value;
      const events = text.split("\n\n");
      text = events.pop();
      events.forEach((event) => this.takeEvent(event));
    }
  }

  takeEvent(event) {
    const lines = event.split("\n");
    const find = (name) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = find("data");
    if (!data) return;
    // Numbers of a hub that was started anew begin again: everything is sent, and who is gone is not.
    const id = find("id");
    const isNew = this.lastId.split("-")[0] !== id.split("-")[0];
    this.lastId = id;
    this.failures = 0;
    this.onState("live");
    this.onNews(JSON.parse(data), isNew);
  }

  expectNews(abort) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lose(abort), SILENT_AFTER);
  }

  lose(abort) {
    this.failures = Math.max(this.failures, 1);
    abort?.abort();
  }
}

class SignedOut extends Error {}
