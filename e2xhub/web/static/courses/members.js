// The list of members: made once, then changed in place; search and filter hide rows.
import { bdi, compare, fill, make, page, setText, words } from "../console/dom.js";

const COLUMNS = {
  name: (member) => member.username,
  role: (member) => words.roles[member.role],
  source: (member) => words.sources[member.source],
};
// More rows at once make a phone slow; the search finds the others.
const MOST_SHOWN = 3000;

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const keyOf = (member) => `${member.role} ${member.source} ${member.username}`;

export class Members {
  // `onPressed` is told which button of a row was pressed: `remove` or `change-role`.
  constructor(onPressed) {
    this.onPressed = onPressed;
    this.all = [];
    this.rows = new Map();
    this.filter = { words: [], role: "" };
    this.sorting = { column: "name", sign: 1 };
    this.body = document.getElementById("rows");
    this.shown = document.getElementById("shown");
    this.makeHead();
    this.body.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.onPressed(button.dataset.action, this.rows.get(button.closest("tr").dataset.key).member);
    });
  }

  makeHead() {
    const head = document.getElementById("columns");
    for (const column of Object.keys(COLUMNS)) {
      const name = words.columns[column];
      const button = make("button", { type: "button", class: "heading", onclick: () => this.sortBy(column) }, name);
      button.setAttribute("aria-label", fill(words.sort_by, { column: name }));
      head.append(make("th", { scope: "col", role: "columnheader", "data-column": column }, button));
    }
    const text = make("span", { class: "hidden-text" }, words.columns.action);
    head.append(make("th", { scope: "col", role: "columnheader" }, text));
    this.showSorting();
  }

  sortBy(column) {
    const { sorting } = this;
    this.sorting = { column, sign: sorting.column === column ? -sorting.sign : 1 };
    this.showSorting();
    this.sort();
    this.show();
  }

  showSorting() {
    for (const cell of document.querySelectorAll("#columns [data-column]")) {
      const isIt = cell.dataset.column === this.sorting.column;
      cell.setAttribute("aria-sort", isIt ? (this.sorting.sign > 0 ? "ascending" : "descending") : "none");
    }
  }

  // Takes the whole list; rows of those who are still there stay.
  take(members) {
    const keys = new Set(members.map(keyOf));
    for (const [key, { row }] of this.rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    this.all = members.map((member) => ({ ...member, key: keyOf(member), text: plain(member.username) }));
    for (const member of this.all) {
      const known = this.rows.get(member.key);
      if (!known) continue;
      if (known.member.is_removable === member.is_removable && known.member.why === member.why) known.member = member;
      else {
        known.row.remove();
        this.rows.delete(member.key);
      }
    }
    this.sort();
    this.show();
  }

  sort() {
    const value = COLUMNS[this.sorting.column];
    const { sign } = this.sorting;
    const place = (one, other) => sign * compare(value(one), value(other)) || compare(one.username, other.username) || compare(one.role, other.role);
    this.all.sort(place);
    this.isSorted = false;
  }

  show() {
    let shown = 0;
    let found = 0;
    const order = [];
    for (const member of this.all) {
      const fits = this.fits(member);
      found += fits;
      const isShown = fits && shown < MOST_SHOWN;
      shown += isShown;
      const parts = this.rows.get(member.key) ?? (isShown ? this.makeRow(member) : null);
      if (!parts) continue;
      if (parts.row.hidden === isShown) parts.row.hidden = !isShown;
      order.push(parts.row);
    }
    if (!this.isSorted || order.some((row) => !row.isConnected)) this.body.append(...order);
    this.isSorted = true;
    this.count(shown, found);
  }

  makeRow(member) {
    const cell = (name, ...children) => make("td", { role: "cell", class: `cell-${name}`, "data-label": words.columns[name] ?? "" }, ...children);
    const head = make("th", { scope: "row", role: "rowheader", class: "cell-name" }, bdi(member.username));
    const row = make(
      "tr",
      { role: "row", "data-key": member.key },
      head,
      cell("role", words.roles[member.role]),
      cell("source", words.sources[member.source], member.why ? make("span", { class: "more" }, member.why) : ""),
      cell("open", ...(member.is_removable ? this.buttonsOf(member) : [])),
    );
    const parts = { row, member };
    this.rows.set(member.key, parts);
    return parts;
  }

  buttonsOf(member) {
    const values = { name: member.username, role: words.roles[member.role] };
    const button = (action, text, label) => {
      const made = make("button", { type: "button", class: "quiet-button", "data-action": action }, text);
      made.setAttribute("aria-label", fill(label, values));
      return made;
    };
    const others = page.may_change.length > 1 ? [button("change-role", words.change_role, words.change_role_of)] : [];
    return [...others, button("remove", words.remove, words.remove_person)];
  }

  // Whether search and filter would show somebody; told by username and role.
  shows({ username, role }) {
    return this.fits({ text: plain(username), role });
  }

  fits(member) {
    const { words: wanted, role } = this.filter;
    return (!role || member.role === role) && wanted.every((word) => member.text.includes(word));
  }

  filterBy(role) {
    this.filter.role = role;
    this.show();
  }

  search(text) {
    this.filter.words = plain(text).split(/\s+/).filter(Boolean);
    this.show();
  }

  count(shown, found) {
    const count = this.all.length;
    const text = fill(shown < found ? words.shown_first : words.shown, { shown, found, count });
    setText(this.shown, !count ? words.empty : found ? text : words.nobody);
  }
}
