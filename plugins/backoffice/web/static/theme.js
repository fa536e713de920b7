// Follow the host: Airflow keeps its colour mode in local storage; without one the system's choice stands.
"use strict";
(function () {
  function follow() {
    var mode = null;
    try { mode = window.localStorage.getItem("theme"); } catch (error) { mode = null; }
    if (mode) { mode = mode.replace(/"/g, ""); }
    if (mode === "dark" || mode === "light") {
      document.documentElement.dataset.theme = mode;
    } else {
      delete document.documentElement.dataset.theme;
    }
  }
  follow();
  window.addEventListener("storage", follow);
})();
