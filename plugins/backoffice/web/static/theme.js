// Inside Airflow's frame logging out is Airflow's. Follow the host: Airflow keeps its colour mode in local storage; without one the system's choice stands.
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
  if (window.top !== window.self) { document.documentElement.dataset.framed = "yes"; }
  follow();
  window.addEventListener("storage", follow);
})();
