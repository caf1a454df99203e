// What every page of the formgrader gets: ways out of it, links that lead to the person's own
// server, and a word where nothing was saved, of which nbgrader's own pages say nothing.
(() => {
  "use strict";
  const GERMAN = {
    "Files and notebooks": "Dateien und Notebooks",
    "Your servers": "Ihre Server",
    "You observe: you see everything, and nothing that you change is saved.":
      "Sie beobachten: Sie sehen alles, und nichts, was Sie ändern, wird gespeichert.",
    "Not saved: you observe. Reload the page to see what is saved.":
      "Nicht gespeichert: Sie beobachten. Laden Sie die Seite neu, um zu sehen, was gespeichert ist.",
    "Not saved. Reload the page to see what is saved, then try again.":
      "Nicht gespeichert. Laden Sie die Seite neu, um zu sehen, was gespeichert ist, und versuchen Sie es noch einmal.",
  };
  const page = JSON.parse(document.currentScript.dataset.e2xhub);
  const isGerman = navigator.language.startsWith("de");
  const translate = (text) => (isGerman && GERMAN[text]) || text;

  function makeLink(text, url) {
    const link = document.createElement("a");
    link.textContent = translate(text);
    link.href = url;
    link.style.marginRight = "1.5em";
    return link;
  }

  function makeBar() {
    const bar = document.createElement("nav");
    bar.id = "e2xhub-bar";
    // On the left: nbgrader's help is in the right corner.
    bar.style.cssText =
      "position:fixed;left:0;bottom:0;z-index:1040;max-width:calc(100% - 100px);padding:8px 16px;" +
      "background:#fff;color:#333;border:1px solid #767676;border-width:1px 1px 0 0";
    bar.append(makeLink("Files and notebooks", page.files), makeLink("Your servers", page.servers));
    if (page.observes) {
      bar.append(translate("You observe: you see everything, and nothing that you change is saved."));
    }
    const alert = document.createElement("strong");
    alert.setAttribute("role", "alert");
    alert.style.cssText = "display:block;color:#a00000";
    bar.append(alert);
    return { bar, alert };
  }

  // nbgrader's own lead to the root of the site, where there is only the hub.
  if (typeof window.linkTo === "function" && window === window.top) {
    window.linkTo = (_type, path) => (_index, element) => {
      const named = path.split("/").map(encodeURIComponent).join("/");
      element.href = `${page.files}/tree/${named}`;
      element.target = "e2xhub-files";
      return element;
    };
  }

  document.addEventListener("DOMContentLoaded", () => {
    const { bar, alert } = makeBar();
    document.body.append(bar);
    document.body.style.paddingBottom = "4em";
    window.jQuery?.(document).ajaxError((_event, _answer, request) => {
      if (request.type === "GET") return;
      const why = page.observes
        ? "Not saved: you observe. Reload the page to see what is saved."
        : "Not saved. Reload the page to see what is saved, then try again.";
      alert.textContent = translate(why);
    });
  });
})();
