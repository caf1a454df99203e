// The spawn page without this script is complete; it adds the search and the automatic start.
(() => {
  "use strict";
  const start = document.getElementById("e2x-start");
  const form = start.form;

  // A second press would be a second start.
  const label = start.textContent;
  form.addEventListener("submit", () => { start.textContent = start.dataset.busy; start.disabled = true; });
  window.addEventListener("pageshow", () => { start.textContent = label; start.disabled = false; });

  const search = document.getElementById("e2x-search");
  if (search) addSearch(search);
  const auto = document.getElementById("e2x-auto");
  if (auto && mayStartByItself()) startByItself(auto);

  function addSearch(box) {
    const words = box.querySelector("input");
    const status = box.querySelector("[role=status]");
    const cards = [...form.querySelectorAll(".e2x-card")].map((element) => ({
      element,
      radio: element.querySelector("input"),
      text: simplify(describe(element)),
    }));
    let announcement;
    box.hidden = false;

    function describe(card) {
      const heading = card.parentElement.querySelector("h2");
      const label = card.querySelector(".e2x-choice").textContent;
      return [heading ? heading.textContent : "", label, card.dataset.course].join(" ");
    }

    // "ubungen" finds "Übungen".
    function simplify(text) {
      return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    }

    function matching() {
      const wanted = simplify(words.value).split(/\s+/);
      return cards.filter((card) => wanted.every((word) => card.text.includes(word)));
    }

    // What Start would start is never out of sight, so the chosen card stays.
    function filter() {
      const found = matching();
      for (const card of cards) card.element.hidden = !found.includes(card) && !card.radio.checked;
      for (const group of form.querySelectorAll(".e2x-group")) {
        group.hidden = !group.querySelector(".e2x-card:not([hidden])");
      }
      const kept = cards.some((card) => card.radio.checked && !found.includes(card));
      announce(words.value.trim() ? tell(found.length, kept) : "");
    }

    function tell(found, kept) {
      const counted = box.dataset.found.replace("{found}", found).replace("{all}", cards.length);
      return kept ? `${counted}. ${box.dataset.kept}` : counted;
    }

    // When the typing pauses, so that a screen reader does not speak after every key.
    function announce(text) {
      clearTimeout(announcement);
      announcement = setTimeout(() => { status.textContent = text; }, 400);
    }

    words.addEventListener("input", filter);
    form.addEventListener("change", filter);
    window.addEventListener("pageshow", filter);
    words.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        words.value = "";
        filter();
      } else if (event.key === "Enter") {
        event.preventDefault(); // it would start the chosen server
        const found = words.value.trim() ? matching() : [];
        const first = found.find((card) => !card.radio.disabled);
        if (first) {
          first.radio.checked = true;
          first.radio.focus();
          filter();
        }
      }
    });
  }

  // Not after an error or a failed start, and not for somebody else's server.
  function mayStartByItself() {
    return !form.hasAttribute("data-e2x-ask") && location.hash !== "#choose";
  }

  function startByItself(box) {
    const [shown, status] = box.querySelectorAll("p");
    const cancel = box.querySelector("button");
    let left = Number(box.dataset.seconds);
    const timer = setInterval(tick, 1000);
    const stopper = new AbortController();
    const words = () => box.dataset.countdown.replace("{seconds}", left);

    function tick() {
      if (document.hidden) return;
      left -= 1;
      shown.textContent = words();
      if (left <= 0) {
        clearInterval(timer);
        form.requestSubmit(start);
      }
    }

    // Nothing moves on the page: a click that stops the countdown still hits what it is aimed at.
    function stop(event) {
      clearInterval(timer);
      stopper.abort();
      shown.textContent = status.textContent = box.dataset.stopped;
      if (event.target !== cancel) cancel.style.visibility = "hidden";
    }

    box.hidden = false;
    shown.textContent = words();
    // A live region speaks what is put into it later.
    setTimeout(() => { if (!stopper.signal.aborted) status.textContent = words(); }, 100);
    const until = { capture: true, signal: stopper.signal };
    for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, stop, until);
    form.addEventListener("focusin", stop, until);
    form.addEventListener("submit", () => clearInterval(timer), until);
    window.addEventListener("pagehide", stop, until);
    cancel.addEventListener("click", () => {
      start.focus();
      cancel.style.visibility = "hidden";
    });
  }
})();
