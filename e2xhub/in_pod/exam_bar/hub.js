// What the hub knows of the examinee whose browser this is, and the hub's time.
const MOST_MILLISECONDS = 10_000;

export class HubError extends Error {
  constructor(status) {
    super(`the hub answered ${status}`);
    this.status = status;
  }
}

export class Hub {
  constructor(hubUrl) {
    this.url = `${hubUrl.replace(/\/$/, "")}/e2x/examinee`;
  }

  words() {
    return this.ask("/words");
  }

  look() {
    return this.ask("");
  }

  // A page of another site cannot send this header.
  submit() {
    return this.ask("/submitted", { method: "POST", headers: { "X-E2X-Examinee": "submitted" } });
  }

  // Raises HubError; status 0: no answer in time.
  async ask(path, options = {}) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), MOST_MILLISECONDS);
    try {
      const request = { cache: "no-store", credentials: "same-origin", redirect: "error" };
      const answer = await fetch(this.url + path, { ...request, ...options, signal: stop.signal });
      if (!answer.ok) throw new HubError(answer.status);
      return await answer.json();
    } catch (error) {
      throw error instanceof HubError ? error : new HubError(0);
    } finally {
      clearTimeout(timer);
    }
  }
}

// The hub's time, whatever this computer's clock says; in milliseconds since 1970.
export class Clock {
  set(now) {
    this.offset = Date.parse(now) - performance.now();
  }

  now() {
    return performance.now() + this.offset;
  }
}
