// Keeps somebody who is signed out from typing on into nothing. What is on the page stays readable,
// and can be selected and copied.
const CHANGING = ["beforeinput", "paste", "cut", "drop", "compositionstart"];
const MOVING = /^(Arrow\w+|Page\w+|Home|End|Tab|Shift|Control|Alt|Meta|F\d+)$/;
const LOCKED = "e2x-exam-locked";

function isHarmless(event) {
  const isShortcut = event.ctrlKey || event.metaKey;
  return MOVING.test(event.key) || (isShortcut && /^[acACfF]$/.test(event.key));
}

// Neither the editor nor the program around it hears of a key, so that no key deletes a cell.
function stop(event) {
  if (event.target.closest?.(".e2x-exam-bar")) return;
  event.stopImmediatePropagation();
  if (event.type !== "keydown" || !isHarmless(event)) event.preventDefault();
}

// What a program says of its own failed attempts to save is no news any more.
function dismissErrors() {
  for (const dialog of document.querySelectorAll(".jp-Dialog")) {
    const buttons = dialog.querySelectorAll(".jp-Dialog-footer button");
    if (buttons.length === 1) buttons[0].click();
  }
}

export class Lock {
  set(isLocked) {
    if (isLocked) dismissErrors();
    if (isLocked === this.isLocked) return;
    this.isLocked = isLocked;
    document.documentElement.classList.toggle(LOCKED, isLocked);
    for (const name of ["keydown", ...CHANGING]) {
      if (isLocked) window.addEventListener(name, stop, true);
      else window.removeEventListener(name, stop, true);
    }
  }
}
