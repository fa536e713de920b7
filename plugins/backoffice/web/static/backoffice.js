// Sends the decision form. Nothing typed is lost: the form stays as it is until the answer is recorded.
"use strict";
(function () {
  var form = document.getElementById("answer");
  if (!form) { return; }
  var select = form.elements.reason_code;
  var every = Array.prototype.slice.call(select.querySelectorAll("option[data-action]"));
  var button = form.querySelector("button[type=submit]");
  var key = form.dataset.key;
  var sentAs = null;

  function chosenAction() {
    var radio = form.querySelector("input[name=action]:checked");
    return radio ? radio.value : "";
  }

  // Only the reason codes of the chosen action; a code that is still offered stays chosen.
  function offerReasons() {
    var action = chosenAction();
    var before = select.value;
    every.forEach(function (option) { option.remove(); });
    every.forEach(function (option) {
      if (option.dataset.action === action) { select.appendChild(option); }
    });
    select.options[0].textContent = action ? "Choose…" : "First choose what should be done";
    select.value = before;
    if (select.selectedIndex < 0) { select.selectedIndex = 0; }
    if (select.options.length === 2) { select.selectedIndex = 1; }
  }

  function show(element, text) {
    element.textContent = text || "";
    element.hidden = !text;
  }

  function clearErrors() {
    form.querySelectorAll(".error").forEach(function (element) { show(element, ""); });
    form.querySelectorAll("[aria-invalid]").forEach(function (element) { element.removeAttribute("aria-invalid"); });
    show(document.getElementById("form-error"), "");
  }

  function fieldError(name, message) {
    var field = form.querySelector('[data-field="' + name + '"]');
    if (!field) { return false; }
    show(field.querySelector(".error"), message);
    field.querySelectorAll("input, select, textarea").forEach(function (element) { element.setAttribute("aria-invalid", "true"); });
    return true;
  }

  function refuse(problem) {
    var rest = [];
    (problem.errors || []).forEach(function (error) {
      if (!fieldError(error.field, error.message)) { rest.push(error.message); }
    });
    if (!(problem.errors || []).length) { rest.push(problem.detail || "The answer was not taken."); }
    show(document.getElementById("form-error"), rest.join(" "));
    var first = form.querySelector("[aria-invalid=true]:not(:disabled)");
    if (first) { first.focus(); }
  }

  function missing(body) {
    var errors = [];
    if (!body.action) { errors.push({ field: "action", message: "Choose what should be done." }); }
    if (!body.reason_code) { errors.push({ field: "reason_code", message: "Choose a reason." }); }
    if (body.reason.length < 3) { errors.push({ field: "reason", message: "Say why, in at least three letters." }); }
    return errors;
  }

  // One key per answer: sending the same again, after a broken connection, records it once; a changed one is new.
  function keyFor(text) {
    if (sentAs !== null && sentAs !== text) { key = window.crypto.randomUUID ? window.crypto.randomUUID() : key + "-" + Date.now(); }
    sentAs = text;
    return key;
  }

  async function send(event) {
    event.preventDefault();
    clearErrors();
    var body = {
      action: chosenAction(),
      reason_code: select.value,
      reason: form.elements.reason.value.trim(),
      evidence_hash: form.elements.evidence_hash.value
    };
    var errors = missing(body);
    if (errors.length) { refuse({ errors: errors }); return; }
    button.disabled = true;
    try {
      var text = JSON.stringify(body);
      var response = await window.fetch(form.getAttribute("action"), { // form.action is the field of that name
        method: "POST",
        body: text,
        credentials: "same-origin",
        headers: {
          "Content-Type": "application/json",
          "Idempotency-Key": keyFor(text),
          "X-Requested-With": "backoffice"
        }
      });
      var answer = await response.json().catch(function () { return {}; });
      if (response.ok) { succeed(answer); return; }
      refuse(answer);
    } catch (error) {
      refuse({ detail: "The server did not answer. What you typed is still here; try again." });
    }
    button.disabled = false;
  }

  function succeed(answer) {
    document.getElementById("next").textContent = answer.next || "";
    form.hidden = true;
    var done = document.getElementById("done");
    done.hidden = false;
    done.scrollIntoView({ block: "center" });
    document.getElementById("go-on").focus({ preventScroll: true });
  }

  form.addEventListener("change", function (event) {
    if (event.target.name === "action") { offerReasons(); }
  });
  form.addEventListener("submit", send);
  offerReasons();
})();
