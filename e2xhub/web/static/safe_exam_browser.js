// Fills the hidden fields of the sign-in form with what Safe Exam Browser shows to scripts: hashes of
// its keys with this page's URL. Without Safe Exam Browser the fields stay empty.
//
// A classic script with a function that has a global name: Safe Exam Browser 3.0 for macOS and iOS
// calls back by name. https://safeexambrowser.org/developer/seb-config-key.html

"use strict";

function e2xShowSafeExamBrowser() {
  const security = window.SafeExamBrowser && window.SafeExamBrowser.security;
  if (!security) return;
  const shown = {
    seb_config_key_hash: security.configKey,
    seb_request_hash: security.browserExamKey,
    seb_page_url: window.location.href.split("#")[0],
  };
  for (const [name, text] of Object.entries(shown)) {
    for (const field of document.getElementsByName(name)) field.value = text || "";
  }
}

function e2xAskSafeExamBrowser() {
  e2xShowSafeExamBrowser();
  const security = window.SafeExamBrowser && window.SafeExamBrowser.security;
  if (!security || typeof security.updateKeys !== "function") return;
  try {
    security.updateKeys(e2xShowSafeExamBrowser);
  } catch (error) {
    console.warn("Safe Exam Browser did not update its keys", error);
  }
}

if (document.readyState === "loading") {
  document.addEventListener("DOMContentLoaded", e2xAskSafeExamBrowser);
} else {
  e2xAskSafeExamBrowser();
}
// The keys may have come after the page; they are read once more before they are sent.
document.addEventListener("submit", e2xShowSafeExamBrowser, true);
