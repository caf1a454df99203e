// The list: a row for each person, changed in place. Rows stay where they are while things happen, so
// that nothing moves away under a finger; only a press on a heading sorts them anew.
import { bdi, compare, fill, make, setText, span, words } from "./dom.js";
import * as known from "./people.js";

const COLUMNS = {
  name: (person) => known.listedName(person),
  username: (person) => person.username,
  room: (person) => person.room,
  seat: (person) => person.seat,
  state: (person) => String((known.needsHelp(person) ? 0 : 100) + known.STATES.indexOf(person.state)),
  left: (person) => String(person.ends_at),
};

function plain(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

export class Table {
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.rows = new Map();
    this.filter = { words: [], room: null, state: "" };
    this.sorting = { column: "name", sign: 1 };
    this.body = document.getElementById("rows");
    this.shown = document.getElementById("shown");
    this.makeHead();
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("button")?.closest("tr");
      if (row) this.onOpen(row.dataset.username);
    });
  }

  makeHead() {
    const head = document.getElementById("columns");
    for (const column of Object.keys(COLUMNS)) {
      const name = words[column];
      const button = make("button", { type: "button", class: "heading", onclick: () => this.sortBy(column) }, name);
      button.setAttribute("aria-label", fill(words.sort_by, { column: name }));
      const cell = make("th", { scope: "col", "data-column": column }, button);
      cell.setAttribute("role", "columnheader");
      head.append(cell);
    }
    head.append(make("th", { scope: "col", role: "columnheader" }, make("span", { class: "hidden-text" }, words.open)));
    this.showSorting();
  }

  sortBy(column) {
    const { sorting } = this;
    this.sorting = { column, sign: sorting.column === column ? -sorting.sign : 1 };
    this.showSorting();
    this.sort();
  }

  showSorting() {
    for (const cell of document.querySelectorAll("#columns [data-column]")) {
      const isIt = cell.dataset.column === this.sorting.column;
      cell.setAttribute("aria-sort", isIt ? (this.sorting.sign > 0 ? "ascending" : "descending") : "none");
    }
  }

  sort() {
    const { column, sign } = this.sorting;
    const value = COLUMNS[column];
    // What is empty comes last, in both directions.
    const place = (one, other) =>
      !value(one) - !value(other) || sign * compare(value(one), value(other)) || compare(known.listedName(one), known.listedName(other));
    const sorted = [...known.people.values()].sort(place);
    this.body.append(...sorted.map((person) => this.rows.get(person.username).row));
  }

  // Shows those of `usernames` anew.
  update(usernames) {
    let isNew = false;
    for (const username of usernames) {
      const person = known.people.get(username);
      if (!person) {
        this.rows.get(username)?.row.remove();
        this.rows.delete(username);
      } else {
        isNew = !this.rows.has(username) || isNew;
        this.show(person);
      }
    }
    if (isNew) this.sort();
    this.count();
  }

  show(person) {
    const parts = this.rows.get(person.username) ?? this.makeRow(person.username);
    parts.text = plain([person.first, person.last, person.first, person.username, person.room, person.seat].join(" "));
    setText(parts.name, known.listedName(person));
    setText(parts.username, person.username);
    setText(parts.also, known.listedName(person) === person.username ? "" : person.username);
    setText(parts.room, person.room);
    setText(parts.seat, person.seat);
    const label = words.states[person.state];
    setText(parts.state, label);
    parts.row.dataset.state = person.state;
    const busy = person.server === "starting" || person.server === "stopping" ? words.servers[person.server] : "";
    setText(parts.more, known.troubleOf(person) || busy);
    parts.row.classList.toggle("in-trouble", known.needsHelp(person));
    parts.button.setAttribute("aria-label", fill(words.open_person, { name: known.nameOf(person) }));
    this.showTime(person, parts);
    parts.row.hidden = !this.fits(person, parts);
  }

  makeRow(username) {
    const cell = (name, ...children) => make("td", { role: "cell", class: `cell-${name}`, "data-label": words[name] ?? "" }, ...children);
    const parts = { name: bdi(""), also: bdi(""), username: bdi(""), room: bdi(""), seat: bdi("") };
    parts.state = make("span", { class: "state" });
    parts.more = make("span", { class: "more" });
    parts.left = make("span", { class: "left" });
    parts.extra = make("span", { class: "extra" });
    parts.button = make("button", { type: "button", class: "quiet-button" }, words.open);
    const head = make("th", { scope: "row", role: "rowheader", class: "cell-name" }, parts.name, make("span", { class: "also" }, parts.also));
    parts.row = make(
      "tr",
      { role: "row", "data-username": username },
      head,
      cell("username", parts.username),
      cell("room", parts.room),
      cell("seat", parts.seat),
      cell("state", parts.state, parts.more),
      cell("left", parts.left, parts.extra),
      cell("open", parts.button),
    );
    this.rows.set(username, parts);
    return parts;
  }

  showTime(person, parts) {
    const remaining = person.ends_at - Math.max(known.now(), known.exam.startsAt);
    setText(parts.left, remaining > 0 ? span(remaining) : words.now_over);
    const { extra } = person;
    setText(parts.extra, extra ? fill(extra > 0 ? words.extra : words.less, { minutes: extra }) : "");
  }

  showTimes() {
    for (const [username, parts] of this.rows) this.showTime(known.people.get(username), parts);
  }

  fits(person, { text }) {
    const { words: wanted, room, state } = this.filter;
    if (room !== null && person.room !== room) return false;
    if (state === "help" && !known.needsHelp(person)) return false;
    if (state && state !== "help" && person.state !== state) return false;
    return wanted.every((word) => text.includes(word));
  }

  filterBy(changes) {
    Object.assign(this.filter, changes);
    for (const [username, parts] of this.rows) parts.row.hidden = !this.fits(known.people.get(username), parts);
    this.count();
  }

  // The usernames of those who are shown, where somebody searches or filters by state; else null.
  get chosen() {
    const { words: wanted, state } = this.filter;
    if (!wanted.length && !state) return null;
    return new Set([...this.rows].filter(([, { row }]) => !row.hidden).map(([username]) => username));
  }

  search(text) {
    this.filterBy({ words: plain(text).split(/\s+/).filter(Boolean) });
  }

  count() {
    const count = this.rows.size;
    const shown = [...this.rows.values()].filter(({ row }) => !row.hidden).length;
    const text = fill(words.shown, { shown, count });
    setText(this.shown, !count ? words.empty : shown ? text : words.nobody);
  }
}
