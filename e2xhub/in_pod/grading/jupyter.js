// nbgrader shows the formgrader in a frame of JupyterLab, which JupyterHub forbids: where all
// servers have one origin, whoever may frame a page may also read it and press its buttons. So
// package.json turns that off, and nbgrader's menu opens the formgrader in a tab of the browser.
export default {
  id: "e2xhub-grading:formgrader",
  autoStart: true,
  activate: (app) => {
    const page = new URL("formgrader", app.serviceManager.serverSettings.baseUrl);
    app.commands.addCommand("nbgrader:open-formgrader", {
      label: "Formgrader",
      execute: () => void window.open(page.href, "e2xhub-formgrader"),
    });
  },
};
