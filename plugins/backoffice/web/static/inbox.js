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
  var proposed = "";  // the words that we put into the form; other ones are the person's
  var key = form.dataset.key;
  var sentAs = null;
  var rowsAsked = [];
  var checking = null;
  var seenLeftOut = "";
  var toFirstHit = false;
  var hadFocus = "";
  var MEMORY = "backoffice.reasons." + form.dataset.person;
  var LIST = "backoffice.list";

  // What this person recorded last: a reason per action and hold, words per action and reason. Of this tab alone.
  function remembered() {
    try { return JSON.parse(window.sessionStorage.getItem(MEMORY)) || {}; } catch (error) { return {}; }
  }

  function remember(entries) {
    try { window.sessionStorage.setItem(MEMORY, JSON.stringify(Object.assign(remembered(), entries))); } catch (error) { return; }
  }

  // The case page goes on to the next case of this list.
  function keepList() {
    var listed = rows().map(function (row) { return Number(row.dataset.case); });
    try { window.sessionStorage.setItem(LIST, JSON.stringify({ cases: listed, address: window.location.pathname + window.location.search })); } catch (error) { return; }
  }

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
    told.textContent = number ? number + " selected" : "None selected";
    byId("decide-chosen").disabled = number === 0;
    var possible = rows().filter(function (row) { return !row.querySelector(".choose-case").disabled; }).length;
    byId("choose-all").disabled = possible === 0;
    byId("choose-all").checked = number > 0 && number === possible;
    byId("choose-all").indeterminate = number > 0 && number < possible;
  }

  function choose(row) {
    var box = row && row.querySelector(".choose-case");
    if (box && !box.disabled) { box.checked = !box.checked; countChosen(); }
  }

  // -- deciding --

  function brief(row) { return JSON.parse(row.dataset.brief) || { actions: [] }; }

  function inBrief(row, action) {
    return brief(row).actions.filter(function (one) { return one.action === action; })[0];
  }

  function mayBeTaken(row, action) {
    var one = inBrief(row, action);
    return Boolean(one) && !one.why_not && offers(row).indexOf(action) >= 0;
  }

  // The actions that this person may take on at least one of the cases.
  function offered() {
    return JSON.parse(byId("list").dataset.offered).filter(function (one) {
      return rowsAsked.some(function (row) { return mayBeTaken(row, one.action); });
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

  function inWords(item) {
    var words = item.replace(/_/g, " ");
    return words.charAt(0).toUpperCase() + words.slice(1);
  }

  // One that cannot be chosen again: a first letter leads to a reason.
  function none(text) {
    var option = new Option(text, "", true, true);
    option.disabled = true;
    option.hidden = true;
    return option;
  }

  function codesOf(action) {
    var one = offered().filter(function (item) { return item.action === action; })[0];
    if (!one) { return []; }
    if (rowsAsked.length > 1) { return one.codes; }
    return (inBrief(rowsAsked[0], action) || one).codes;
  }

  function listCodes(preset, blank) {
    var action = chosenAction();
    var codes = codesOf(action);
    code.textContent = "";
    code.append(none(action ? "Choose…" : "First choose what should be done"));
    codes.forEach(function (item) { code.append(new Option(inWords(item), item)); });
    code.value = codes.indexOf(preset) >= 0 ? preset : codes.length === 1 && !blank ? codes[0] : "";
    if (code.selectedIndex < 0) { code.selectedIndex = 0; }
  }

  // The hold that all of the cases have first; "" when they differ.
  function commonCode() {
    var first = brief(rowsAsked[0]).code || "";
    return rowsAsked.every(function (row) { return (brief(row).code || "") === first; }) ? first : "";
  }

  function proposeWords(words) {
    if (reason.value !== proposed) { return; }  // the person's own words stay
    proposed = words || "";
    reason.value = proposed;
  }

  // The reason that goes with the likeliest cause, or the last one recorded for such a case, and a sentence of the cause. Shown before
  // it is recorded.
  function propose(blank) {
    var action = chosenAction();
    var one = rowsAsked.length === 1 ? inBrief(rowsAsked[0], action) : null;
    var fits = one ? one.fits : null;
    var common = commonCode();
    listCodes(blank || !action ? "" : fits || (common ? remembered()[action + " for " + common] : "") || "", blank);
    proposeWords(wordsFor(action));
    show(byId("decide-booked"), one ? one.booked : "");
    show(byId("decide-doubt"), one && action === "accept" ? brief(rowsAsked[0]).in_doubt : "");
  }

  function wordsFor(action) {
    var own = rowsAsked.length === 1 ? brief(rowsAsked[0]).words : "";
    return own || (action && code.value ? remembered()[action + " because " + code.value] : "") || "";
  }

  function askedCases() {
    return rowsAsked.map(function (row) {
      return { case_id: Number(row.dataset.case), evidence_hash: row.dataset.evidence };
    });
  }

  function fact(name, text) {
    if (!text) { return; }
    byId("decide-brief").append(made("dt", name), made("dd", text));
  }

  function describe(asked) {
    var list = byId("decide-cases");
    var facts = byId("decide-brief");
    list.textContent = "";
    facts.textContent = "";
    list.hidden = asked.length === 1;
    facts.hidden = asked.length !== 1;
    if (asked.length === 1) {
      var row = asked[0];
      byId("decide-title").textContent = "Case " + row.dataset.case + ": " + row.dataset.name;
      fact("Supplier", row.dataset.supplier);
      fact("Amount", row.dataset.amount);
      fact("Held for", row.dataset.reason);
      fact("Difference", brief(row).difference);
      fact("What happened", brief(row).happened);
      fact("Likely cause", brief(row).cause);
      return;
    }
    byId("decide-title").textContent = "Decide " + asked.length + " cases";
    asked.slice(0, 8).forEach(function (row) {
      list.append(made("li", [row.dataset.case, row.dataset.name, row.dataset.supplier, row.dataset.amount, row.dataset.reason].filter(Boolean).join(" · ")));
    });
    if (asked.length > 8) { list.append(made("li", "and " + (asked.length - 8) + " more")); }
  }

  // Why an action that was asked for is not to be had here.
  function whyNot(action) {
    var told = brief(rowsAsked[0]);
    var one = inBrief(rowsAsked[0], action);
    if (rowsAsked.length > 1) { return "None of these cases can be answered so."; }
    if (one && one.why_not) { return one.why_not; }
    if (action === "accept" && told.not_accepted) { return told.not_accepted; }
    return "This case does not offer to " + action + ". It offers: " + told.actions.map(function (item) { return item.label; }).join(", ") + ".";
  }

  function openDecide(asked, action) {
    if (!asked.length) { return; }
    rowsAsked = asked;
    seenLeftOut = "";
    proposed = "";
    reason.value = "";
    clearErrors();
    describe(asked);
    var possible = offered();
    var granted = possible.some(function (one) { return one.action === action; });
    var refusal = !possible.length ? brief(asked[0]).actions.map(function (one) { return one.why_not; }).filter(Boolean)[0] || "Nothing can be decided here." : "";
    show(byId("decide-note"), refusal || (action && !granted ? whyNot(action) : ""));
    show(byId("decide-left-out"), "");
    byId("decide-fields").hidden = Boolean(refusal);
    confirmButton.hidden = Boolean(refusal);
    byId("decide-cancel").textContent = refusal ? "Close" : "Cancel";
    listActions(granted ? action : possible.length === 1 ? possible[0].action : "");
    propose(!granted);
    if (!dialog.open) { dialog.showModal(); }
    firstToDo(refusal, granted).focus();
    check();
  }

  // What is left to do before this can be confirmed; another action than the one asked for is never confirmed by one key.
  function firstToDo(refusal, granted) {
    if (refusal) { return byId("decide-cancel"); }
    if (!chosenAction()) { return byId("decide-actions").querySelector("input"); }
    if (!code.value || !granted) { return code; }
    return reason.value.trim().length < 3 ? reason : confirmButton;
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
    leftOut.forEach(function (one) {
      var row = rowsAsked.filter(function (item) { return Number(item.dataset.case) === one.case_id; })[0];
      list.append(made("li", (row ? row.dataset.case + " · " + row.dataset.name : one.case_id) + ": " + one.why_not));
    });
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
      succeed(answer.told, body);
    } catch (error) {
      refuse({ detail: "The server did not answer. What you typed is still here; try again." });
    } finally {
      confirmButton.disabled = false;
      if (dialog.open && !form.querySelector("[aria-invalid=true]")) { confirmButton.focus(); }
    }
  }

  function learn(body) {
    var entries = {};
    var common = commonCode();
    if (common) { entries[body.action + " for " + common] = body.reason_code; }
    if (reason.value !== proposed) { entries[body.action + " because " + body.reason_code] = body.reason; }
    remember(entries);
  }

  // Which cases, and how: 5 · Invoice RE-1001 · Nordwind.
  function tellDone(told, body) {
    var place = byId("told");
    var half = told.taken.filter(function (one) { return !one.final; }).length;
    var names = told.taken.map(function (one) {
      var row = rowsAsked.filter(function (item) { return Number(item.dataset.case) === one.case_id; })[0];
      return told.taken.length === 1 && row ? [row.dataset.case, row.dataset.name, row.dataset.supplier].join(" · ") : one.case_id;
    });
    var label = offered().filter(function (one) { return one.action === body.action; })[0].label;
    place.className = "note good toast";
    show(place, told.taken.length ? told.taken.length + (told.taken.length === 1 ? " case" : " cases") + " decided (" + label + ", " + inWords(body.reason_code).toLowerCase() + "): " +
      names.join(", ") + "." + (half ? " " + half + (half === 1 ? " waits" : " wait") + " for a second person." : "") : "");
  }

  function succeed(told, body) {
    sentAs = null;
    learn(body);
    dialog.close();
    tellDone(told, body);
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
    keepList();
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

  // What is selected, else the case that has the focus, while it waits for an answer.
  function meant() {
    var asked = chosen();
    var row = currentRow();
    return asked.length || !row || !offers(row).length ? asked : [row];
  }

  var acts = {
    j: function () { step(1); },
    ArrowDown: function () { step(1); },
    k: function () { step(-1); },
    ArrowUp: function () { step(-1); },
    x: function () { choose(currentRow()); },
    a: function () { openDecide(meant(), "accept"); },
    r: function () { openDecide(meant(), "reject"); },
    d: function () { openDecide(meant(), ""); },
    "/": function () { byId("q").focus(); byId("q").select(); },
    "?": function () { if (!help.open) { help.showModal(); } }
  };

  // Enter goes to the first hit, Esc back to the list; both leave what was typed.
  byId("q").addEventListener("keydown", function (event) {
    if (event.key === "Enter") { toFirstHit = true; }
    if (event.key === "Escape") {
      event.preventDefault();
      event.target.blur();
      goTo(rows()[0]);
    }
  });

  document.addEventListener("keydown", function (event) {
    if (dialog.open && event.key === "Enter" && (event.target === code || event.target.name === "action" || (event.target === reason && (event.ctrlKey || event.metaKey)))) {
      event.preventDefault();
      if (!confirmButton.disabled) { form.requestSubmit(confirmButton); }
      return;
    }
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
    if (event.target.name === "action" && event.target.form === form) { propose(false); check(); }
    if (event.target === code) { proposeWords(wordsFor(chosenAction())); }
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
  // proposed words are written over by what is typed
  reason.addEventListener("focus", function () { if (reason.value === proposed) { reason.select(); } });
  byId("keys-on").checked = !keysOff();

  // An address without its empty filters, and errors at their fields, whoever asked for the list.
  document.body.addEventListener("htmx:configRequest", function (event) {
    var parameters = event.detail.parameters;
    Object.keys(parameters).forEach(function (name) { if (parameters[name] === "") { delete parameters[name]; } });
  });
  // A list that is read again keeps the focus on the case that had it.
  document.body.addEventListener("htmx:beforeSwap", function () {
    var row = currentRow();
    hadFocus = row ? row.dataset.case : "";
  });
  document.body.addEventListener("htmx:afterSettle", function () {
    all("[aria-describedby^=error-]").forEach(function (input) {
      var told = byId(input.getAttribute("aria-describedby"));
      if (told && told.textContent) { input.setAttribute("aria-invalid", "true"); } else { input.removeAttribute("aria-invalid"); }
    });
    countChosen();
    keepList();
    var kept = hadFocus && !currentRow() ? rows().filter(function (row) { return row.dataset.case === hadFocus; })[0] || rows()[0] : null;
    goTo(toFirstHit ? rows()[0] : kept);
    toFirstHit = false;
    hadFocus = "";
  });
  document.body.addEventListener("htmx:responseError", failed);
  document.body.addEventListener("htmx:sendError", failed);
  function failed(event) {
    if (event.detail.elt && event.detail.elt.id === "counts") { return; }  // it is asked again in a moment
    byId("told").className = "note bad";
    show(byId("told"), "The list could not be read just now. What you typed is still here; try again.");
  }
  countChosen();
  keepList();
})();
