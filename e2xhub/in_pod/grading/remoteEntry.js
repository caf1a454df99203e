// What JupyterLab loads of a prebuilt extension: a container of module federation, by hand.
// https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html#prebuilt-extensions
(() => {
  "use strict";
  const place = document.currentScript.src;
  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["e2xhub-grading"] = {
    init: () => {},
    get: async () => {
      const { default: plugin } = await import(new URL("jupyter.js", place).href);
      // JupyterLab writes on what it gets, which a module does not allow.
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
