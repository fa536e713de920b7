// The inbox by keyboard, and one answer to several cases. Nothing typed is lost: the form stays until the answers are recorded.
"use strict";
(function () {
  var KEYS_OFF = "backoffice.keys";
  var dialog = document.getElementById("decide");
  var form = document.getElementById("decide-form");
  var help = document.getElementById("help");
  var code = document.getElementById("decide-code");
  var reason = document.getElementById("decide-reason");
  var confirmButton = document.getElementById("decide-confirm");
  var lastCodes = {};
  var key = form.dataset.key;
  var sentAs = null;
  var rowsAsked = [];
  var checking = null;
  var seenLeftOut = "";

  function byId(id) { return document.getElementById(id); }
  function all(selector, from) { return Array.prototype.slice.call((from || document).querySelectorAll(selector)); }
  function rows() { return all("#list tr[data-case]"); }
  function offers(row) { return row.dataset.offers.split(" ").filter(Boolean); }
  function made(name, text) { var element = document.createElement(name); element.textContent = text; return element; }
  function show(element, text) { element.textContent = text || ""; element.hidden = !text; }

  function currentRow() {
    var active = document.activeElement;
    return active && active.closest ? active.closest("tr[data-case]") : null;
  }

  function goTo(row) {
    if (!row) { return; }
    row.querySelector("a.case-link").focus();
    row.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    var listed = rows();
    var at = listed.indexOf(currentRow());
    goTo(at < 0 ? listed[0] : listed[Math.min(Math.max(at + by, 0), listed.length - 1)]);
  }

  // -- choosing --

  function chosen() {
    return rows().filter(function (row) { return row.querySelector(".choose-case").checked; });
  }

  function countChosen() {
    var number = chosen().length;
    var told = byId("chosen");
    if (!told) { return; }
    told.textContent = number ? number + " chosen" : "None chosen";
    byId("decide-chosen").disabled = number === 0;
    var possible = rows().filter(function (row) { return !row.querySelector(".choose-case").disabled; }).length;
    byId("choose-all").checked = number > 0 && number === possible;
    byId("choose-all").indeterminate = number > 0 && number < possible;
  }

  function choose(row) {
    var box = row && row.querySelector(".choose-case");
    if (box && !box.disabled) { box.checked = !box.checked; countChosen(); }
  }

  // -- deciding --

  function offered() {
    return JSON.parse(byId("list").dataset.offered).filter(function (one) {
      return rowsAsked.some(function (row) { return offers(row).indexOf(one.action) >= 0; });
    });
  }

  function chosenAction() {
    var radio = form.querySelector("input[name=action]:checked");
    return radio ? radio.value : "";
  }

  function listActions(wanted) {
    var place = byId("decide-actions");
    place.textContent = "";
    offered().forEach(function (one) {
      var label = document.createElement("label");
      label.className = "choice";
      var radio = document.createElement("input");
      radio.type = "radio";
      radio.name = "action";
      radio.value = one.action;
      radio.checked = one.action === wanted;
      label.append(radio, made("strong", one.label));
      place.append(label);
    });
  }

  function listCodes() {
    var action = chosenAction();
    var one = offered().filter(function (item) { return item.action === action; })[0];
    var codes = one ? one.codes : [];
    code.textContent = "";
    if (codes.length !== 1) { code.append(new Option("Choose…", "")); }
    codes.forEach(function (item) {
      var words = item.replace(/_/g, " ");
      code.append(new Option(words.charAt(0).toUpperCase() + words.slice(1), item));
    });
    var preset = lastCodes[action] || (codes.indexOf("approved") >= 0 ? "approved" : "");
    if (codes.indexOf(preset) >= 0) { code.value = preset; }
  }

  function askedCases() {
    return rowsAsked.map(function (row) {
      return { case_id: Number(row.dataset.case), evidence_hash: row.dataset.evidence };
    });
  }

  function openDecide(asked, action) {
    if (!asked.length) { return; }
    rowsAsked = asked;
    seenLeftOut = "";
    clearErrors();
    byId("decide-title").textContent = asked.length === 1 ? "Decide one case" : "Decide " + asked.length + " cases";
    var list = byId("decide-cases");
    list.textContent = "";
    asked.slice(0, 8).forEach(function (row) {
      list.append(made("li", row.dataset.case + " · " + row.dataset.name + (row.dataset.reason ? " · " + row.dataset.reason : "")));
    });
    if (asked.length > 8) { list.append(made("li", "and " + (asked.length - 8) + " more")); }
    listActions(action);
    listCodes();
    if (!dialog.open) { dialog.showModal(); }
    (action ? confirmButton : byId("decide-actions").querySelector("input") || confirmButton).focus();
    check();
  }

  async function post(address, body, headers) {
    var response = await window.fetch(address, {
      method: "POST",
      body: body,
      credentials: "same-origin",
      headers: Object.assign({ "Content-Type": "application/json", "X-Requested-With": "backoffice" }, headers || {})
    });
    var told = await response.json().catch(function () { return {}; });
    return { ok: response.ok, told: told };
  }

  // Ask beforehand who would be left out, and name them. The answers themselves are guarded again.
  function check() {
    var action = chosenAction();
    show(byId("decide-left-out"), "");
    if (!action) { checking = null; return; }
    var mine = post(form.dataset.address + "/check", JSON.stringify({ action: action, cases: askedCases() }))
      .then(function (answer) {
        if (checking === mine && answer.ok) { nameLeftOut(byId("decide-left-out"), answer.told.left_out, answer.told.ready.length); }
        return answer.ok ? answer.told : null;
      })
      .catch(function () { return null; });
    checking = mine;
  }

  function nameLeftOut(place, leftOut, ready) {
    place.textContent = "";
    place.hidden = !leftOut.length;
    if (!leftOut.length) { return; }
    place.append(made("p", ready ? ready + " will be decided. Left out:" : "Left out:"));
    var list = document.createElement("ul");
    leftOut.forEach(function (one) { list.append(made("li", one.case_id + (one.title ? " · " + one.title : "") + ": " + one.why_not)); });
    place.append(list);
  }

  function clearErrors() {
    all(".error", form).forEach(function (element) { show(element, ""); });
    all("[aria-invalid]", form).forEach(function (element) { element.removeAttribute("aria-invalid"); });
    show(byId("decide-error"), "");
  }

  function refuse(problem) {
    var rest = [];
    (problem.errors || []).forEach(function (error) {
      var field = form.querySelector('[data-field="' + error.field + '"]');
      if (!field) { rest.push(error.message); return; }
      show(field.querySelector(".error"), error.message);
      all("input, select, textarea", field).forEach(function (element) { element.setAttribute("aria-invalid", "true"); });
    });
    if (!(problem.errors || []).length) { rest.push(problem.detail || "The answers were not taken."); }
    show(byId("decide-error"), rest.join(" "));
    var first = form.querySelector("[aria-invalid=true]");
    if (first) { first.focus(); }
  }

  function missing(body) {
    var errors = [];
    if (!body.action) { errors.push({ field: "action", message: "Choose what should be done." }); }
    if (!body.reason_code) { errors.push({ field: "reason_code", message: "Choose a reason." }); }
    if (body.reason.length < 3) { errors.push({ field: "reason", message: "Say why, in at least three letters." }); }
    return errors;
  }

  function keyFor(text) {
    if (sentAs !== text) { key = window.crypto.randomUUID ? window.crypto.randomUUID() : form.dataset.key + "-" + Date.now(); }
    sentAs = text;
    return key;
  }

  async function send(event) {
    event.preventDefault();
    clearErrors();
    var body = { action: chosenAction(), reason_code: code.value, reason: reason.value.trim(), cases: askedCases() };
    var errors = missing(body);
    if (errors.length) { refuse({ errors: errors }); return; }
    confirmButton.disabled = true;
    try {
      var checked = checking ? await checking : null;
      var named = checked ? JSON.stringify(checked.left_out) : "[]";
      if (named !== "[]" && named !== seenLeftOut) {  // nobody confirms what they have not read
        seenLeftOut = named;
        show(byId("decide-error"), checked.ready.length ? "Confirm again to decide the others." : "Nothing is left to decide.");
        return;
      }
      if (checked && !checked.ready.length) { show(byId("decide-error"), "Nothing is left to decide."); return; }
      var text = JSON.stringify(body);
      var answer = await post(form.dataset.address, text, { "Idempotency-Key": keyFor(text) });
      if (!answer.ok) { refuse(answer.told); return; }
      lastCodes[body.action] = body.reason_code;
      succeed(answer.told);
    } catch (error) {
      refuse({ detail: "The server did not answer. What you typed is still here; try again." });
    } finally {
      confirmButton.disabled = false;
      if (dialog.open && !form.querySelector("[aria-invalid=true]")) { confirmButton.focus(); }
    }
  }

  function succeed(told) {
    sentAs = null;
    var half = told.taken.filter(function (one) { return !one.final; }).length;
    dialog.close();
    var place = byId("told");
    place.className = "note good";
    show(place, told.taken.length + (told.taken.length === 1 ? " case" : " cases") + " decided." + (half ? " " + half + " wait for a second person." : ""));
    if (!told.taken.length) { show(place, ""); }
    nameLeftOut(byId("left-out"), told.left_out, 0);
    var listed = rows();
    var at = listed.indexOf(rowsAsked[rowsAsked.length - 1]);
    var next = listed.slice(at + 1).concat(listed.slice(0, at + 1)).filter(function (row) { return rowsAsked.indexOf(row) < 0; })[0];
    told.taken.forEach(function (one) {
      var row = document.querySelector('#list tr[data-case="' + one.case_id + '"]');
      if (row) { row.remove(); }
    });
    rowsAsked.forEach(function (row) { row.querySelector(".choose-case").checked = false; });
    countChosen();
    if (rows().length) { goTo(next || rows()[0]); } else { refill(); }
    window.htmx.trigger("#counts", "refresh");
  }

  // Nothing left on this page: show the first one of the same filters.
  function refill() {
    var address = new URL(window.location.href);
    address.searchParams.delete("cursor");
    window.htmx.ajax("GET", address.pathname + address.search, { target: "#list", select: "#list", swap: "outerHTML" })
      .then(function () { goTo(rows()[0]); });
  }

  // -- keys --

  function keysOff() {
    try { return window.localStorage.getItem(KEYS_OFF) === "off"; } catch (error) { return false; }
  }

  function typing(element) {
    return element && (/^(TEXTAREA|SELECT)$/.test(element.tagName) || (element.tagName === "INPUT" && element.type !== "checkbox"));
  }

  var acts = {
    j: function () { step(1); },
    ArrowDown: function () { step(1); },
    k: function () { step(-1); },
    ArrowUp: function () { step(-1); },
    x: function () { choose(currentRow()); },
    a: function () {
      var asked = chosen();
      if (!asked.length && currentRow() && offers(currentRow()).length) { asked = [currentRow()]; }
      openDecide(asked, "accept");
    },
    "/": function () { byId("q").focus(); byId("q").select(); },
    "?": function () { if (!help.open) { help.showModal(); } }
  };

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || help.open || typing(event.target)) { return; }
    var act = acts[event.key];
    if (!act || (keysOff() && event.key.length === 1)) { return; }
    if (event.key.indexOf("Arrow") === 0 && !currentRow()) { return; }  // elsewhere the arrows scroll
    event.preventDefault();
    act();
  });

  document.addEventListener("change", function (event) {
    if (event.target.id === "choose-all") {
      all(".choose-case").forEach(function (box) { if (!box.disabled) { box.checked = event.target.checked; } });
      countChosen();
    }
    if (event.target.classList.contains("choose-case")) { countChosen(); }
    if (event.target.name === "action" && event.target.form === form) { listCodes(); check(); }
    if (event.target.id === "keys-on") {
      try { window.localStorage.setItem(KEYS_OFF, event.target.checked ? "on" : "off"); } catch (error) { event.target.checked = true; }
    }
  });

  document.addEventListener("click", function (event) {
    if (event.target.id === "decide-chosen") {
      var asked = chosen();
      openDecide(asked, "");
    }
    if (event.target.id === "decide-cancel") { dialog.close(); }
    if (event.target.closest("#show-help")) { help.showModal(); }
  });

  form.addEventListener("submit", send);
  byId("keys-on").checked = !keysOff();

  // An address without its empty filters, and errors at their fields, whoever asked for the list.
  document.body.addEventListener("htmx:configRequest", function (event) {
    var parameters = event.detail.parameters;
    Object.keys(parameters).forEach(function (name) { if (parameters[name] === "") { delete parameters[name]; } });
  });
  document.body.addEventListener("htmx:afterSettle", function () {
    all("[aria-describedby^=error-]").forEach(function (input) {
      var told = byId(input.getAttribute("aria-describedby"));
      if (told && told.textContent) { input.setAttribute("aria-invalid", "true"); } else { input.removeAttribute("aria-invalid"); }
    });
    countChosen();
  });
  document.body.addEventListener("htmx:responseError", failed);
  document.body.addEventListener("htmx:sendError", failed);
  function failed(event) {
    if (event.detail.elt && event.detail.elt.id === "counts") { return; }  // it is asked again in a moment
    byId("told").className = "note bad";
    show(byId("told"), "The list could not be read just now. What you typed is still here; try again.");
  }
  countChosen();
})();
