// The exam's bar in JupyterLab and Notebook 7.
import { Lock } from "./lock.js";
import { watchExam } from "./watch.js";

// Every open document that was changed, each once.
function findUnsaved(shell) {
  const contexts = new Map();
  for (const widget of shell.widgets("main")) {
    const context = widget.context;
    if (context?.model?.dirty && context.contentsModel?.writable !== false) {
      contexts.set(context.path, context);
    }
  }
  return [...contexts.values()];
}

function findHub() {
  const page = JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
  // On another host the hub's cookie does not reach it.
  return page.hubHost ? "" : page.hubPrefix || "";
}

export default {
  id: "e2xhub:exam-bar",
  autoStart: true,
  activate: (app) => {
    const hubUrl = findHub();
    if (hubUrl) void watchExam({ hubUrl, findUnsaved: () => findUnsaved(app.shell), lock: new Lock() });
  },
};
