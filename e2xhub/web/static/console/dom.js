// Small helpers. Whatever people are called is text: nothing here ever makes HTML of it.
export const page = JSON.parse(document.getElementById("page").textContent);
export const words = page.words;

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

// A name beside other text: one that is read from right to left turns nothing around.
export function bdi(text) {
  return make("bdi", {}, text);
}

export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (found, name) => isolate(values[name] ?? found));
}

// The same for a name inside a sentence (https://unicode.org/reports/tr9/).
function isolate(value) {
  return /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u.test(value) ? `\u2068${value}\u2069` : value;
}

// The same with elements in the places of values: returns nodes.
export function fillNodes(text, values) {
  return text.split(/(\{\w+\})/).map((part) => values[part.slice(1, -1)] ?? part);
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const LOCALE = page.language === "en" ? "en-GB" : page.language;
const ZONE = { timeZone: page.time_zone, hourCycle: "h23" };
const toMinute = new Intl.DateTimeFormat(LOCALE, { ...ZONE, hour: "2-digit", minute: "2-digit" });
const toSecond = new Intl.DateTimeFormat(LOCALE, { ...ZONE, timeStyle: "medium" });
const toDay = new Intl.DateTimeFormat(LOCALE, { timeZone: page.time_zone, dateStyle: "medium" });

export function hour(moment) {
  return toMinute.format(moment);
}

export function second(moment) {
  return toSecond.format(moment);
}

// The hour, or the second; with its day where that is not today's.
export function moment(at, now, exact = false) {
  const day = toDay.format(at);
  const time = exact ? second(at) : hour(at);
  return day === toDay.format(now) ? time : `${day}, ${time}`;
}

// "1 h 05 min" of milliseconds; a minute that has begun counts.
export function span(milliseconds) {
  const minutes = Math.ceil(Math.max(0, milliseconds) / 60_000);
  const hours = Math.floor(minutes / 60);
  if (!hours) return fill(words.minutes, { minutes });
  return fill(words.hours, { hours, minutes: String(minutes % 60).padStart(2, "0") });
}

// Of any size: those of IPv6 networks come as digits.
const NUMBER = new Intl.NumberFormat(LOCALE);
export function numberOf(digits) {
  return NUMBER.format(BigInt(digits));
}

const collator = new Intl.Collator(page.language, { numeric: true, sensitivity: "base" });
export const compare = collator.compare;
