// The case page by keyboard: accept, reject, next case and case before of the list that it was opened from.
"use strict";
(function () {
  var KEYS_OFF = "backoffice.keys";
  var walk = document.getElementById("walk");
  var help = document.getElementById("help");
  var form = document.getElementById("answer");
  var caseId = Number(walk.dataset.case);
  var proposed = "";

  function byId(id) { return document.getElementById(id); }

  function keptList() {
    try { return JSON.parse(window.sessionStorage.getItem("backoffice.list")); } catch (error) { return null; }
  }

  function leadTo(link, id) {
    if (!id) { return; }
    link.href = walk.dataset.cases + "/" + id;
    link.hidden = false;
  }

  // The list as it was when the case was opened; the case itself may have left it.
  function placeInList() {
    var list = keptList();
    if (!list || !Array.isArray(list.cases)) { return; }
    if (String(list.address).indexOf(walk.dataset.cases) === 0) { byId("to-list").href = list.address; }
    var at = list.cases.indexOf(caseId);
    if (at < 0) { return; }
    byId("walk-place").textContent = at + 1 + " of " + list.cases.length;
    byId("walk-place").hidden = false;
    leadTo(byId("to-previous"), list.cases[at - 1]);
    leadTo(byId("to-next"), list.cases[at + 1]);
    if (byId("go-on") && list.cases[at + 1]) { byId("go-on").href = byId("to-next").href; }
  }

  function follow(link) {
    if (!link.hidden) { link.click(); }
  }

  function say(text) {
    var place = byId("form-error");
    place.textContent = text;
    place.hidden = false;
    place.scrollIntoView({ block: "center" });
  }

  function inBrief(action) {
    var told = JSON.parse(form.dataset.brief) || { actions: [] };
    return { told: told, one: told.actions.filter(function (item) { return item.action === action; })[0] };
  }

  // Chooses the action, and proposes the reason and the words that fit, all to be seen; Enter confirms.
  function choose(action) {
    if (!form || form.hidden) { return; }
    var radio = form.querySelector('input[name=action][value="' + action + '"]');
    var found = inBrief(action);
    if (!radio || radio.disabled) {
      say(found.one && found.one.why_not ? found.one.why_not : action === "accept" && found.told.not_accepted ? found.told.not_accepted : "This case does not offer to " + action + ".");
      return;
    }
    byId("form-error").hidden = true;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    var select = form.elements.reason_code;
    var words = form.elements.reason;
    select.value = found.one && found.one.fits || "";
    if (select.selectedIndex < 0) { select.selectedIndex = 0; }
    if (words.value === proposed) {
      proposed = found.told.words || "";
      words.value = proposed;
    }
    var next = !select.value ? select : words.value.trim().length < 3 ? words : form.querySelector("button[type=submit]");
    next.focus({ preventScroll: true });
    radio.closest(".field").scrollIntoView({ block: "nearest" });
    next.scrollIntoView({ block: "nearest" });
  }

  function keysOff() {
    try { return window.localStorage.getItem(KEYS_OFF) === "off"; } catch (error) { return false; }
  }

  function typing(element) {
    return /^(TEXTAREA|SELECT)$/.test(element.tagName) || (element.tagName === "INPUT" && !/^(checkbox|radio)$/.test(element.type));
  }

  var acts = {
    a: function () { choose("accept"); },
    r: function () { choose("reject"); },
    j: function () { follow(byId("to-next")); },
    k: function () { follow(byId("to-previous")); },
    u: function () { byId("to-list").click(); },
    "?": function () { help.showModal(); }
  };

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) { return; }
    if (form && event.key === "Enter" && event.target === form.elements.reason_code) {
      event.preventDefault();
      form.requestSubmit();
      return;
    }
    if (!acts[event.key] || typing(event.target) || keysOff()) { return; }
    event.preventDefault();
    acts[event.key]();
  });

  byId("keys-on").checked = !keysOff();
  byId("keys-on").addEventListener("change", function (event) {
    try { window.localStorage.setItem(KEYS_OFF, event.target.checked ? "on" : "off"); } catch (error) { event.target.checked = true; }
  });
  byId("show-help").addEventListener("click", function () { help.showModal(); });
  if (form) {
    form.elements.reason.addEventListener("focus", function (event) { if (event.target.value === proposed) { event.target.select(); } });
  }
  placeInList();
})();
