// A code works once: a form that is sent twice would use it up with the first answer, which the
// browser throws away, and show the refusal of the second.

"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = form.querySelector("[data-waiting]");
  if (!button) return;
  button.dataset.ready = button.textContent;
  button.textContent = button.dataset.waiting;
});

// The page may come back from the browser's memory as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[data-ready]")) {
    button.textContent = button.dataset.ready;
  }
});
