// The projector of a room: a clock, and a code that changes. The hub's clock counts, not this one's.
const page = JSON.parse(document.getElementById("page").textContent);
const { words } = page;
const find = (id) => document.getElementById(id);
const ASK_EVERY = 10_000;
const WEAK_AFTER = 25_000;

let state = page;
let ahead = Date.now() - page.now;
let heardAt = Date.now();

const zone = { timeZone: page.time_zone, hourCycle: "h23" };
const toMinute = new Intl.DateTimeFormat(page.language, { ...zone, hour: "2-digit", minute: "2-digit" });

function span(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hours, minutes, rest] = parts.map((part) => String(part).padStart(2, "0"));
  return parts[0] ? `${parts[0]}:${minutes}:${rest}` : `${Number(minutes)}:${rest}`;
}

function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function show() {
  const now = Date.now() - ahead;
  const { starts_at: start, ends_at: end } = state;
  setText(find("clock"), toMinute.format(now));
  setText(find("end"), toMinute.format(end));
  setText(find("left-label"), now < start ? words.begins : now < end ? words.left : "");
  setText(find("left"), now < start ? span(start - now) : now < end ? span(end - now) : words.over);
  setText(find("offline"), Date.now() - heardAt > WEAK_AFTER ? words.offline : "");
  showCode(now);
}

function showCode(now) {
  if (!find("code")) return;
  const left = Math.ceil((state.code_until - now) / 1000);
  // An old code is not shown: it would open nothing, and nobody would know why.
  setText(find("code"), left > 0 ? `${state.code.slice(0, 3)} ${state.code.slice(3)}` : "··· ···");
  find("code-left").value = Math.max(0, left);
  setText(find("code-seconds"), left > 0 ? `${left} s` : "");
  if (left <= 0) ask();
}

let asking = false;

async function ask() {
  if (asking) return;
  asking = true;
  const path = page.room ? `${page.state}/${encodeURIComponent(page.room)}` : page.state;
  try {
    const answer = await fetch(path, { headers: { "X-XSRFToken": page.xsrf }, cache: "no-store" });
    if (answer.ok) {
      state = await answer.json();
      ahead = Date.now() - state.now;
      heardAt = Date.now();
    } else if (answer.status === 403 || answer.status === 404) {
      location.reload();
    }
  } catch {
    // It goes on by its own clock, and says so after a while.
  }
  asking = false;
}

setInterval(show, 250);
setInterval(ask, ASK_EVERY);
show();
