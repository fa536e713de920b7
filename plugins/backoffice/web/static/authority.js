// Sends changes of authority and what a person says to one. What is typed stays until it is recorded; errors stand at their field.
"use strict";
(function () {
  function show(element, text) {
    element.textContent = text || "";
    element.hidden = !text;
  }

  function clear(form) {
    form.querySelectorAll(".field .error, .form-error, .done").forEach(function (place) { show(place, ""); });
    form.querySelectorAll("[aria-invalid]").forEach(function (input) { input.removeAttribute("aria-invalid"); });
  }

  function refuse(form, problem) {
    var rest = [];
    var first = null;
    (problem.errors || []).forEach(function (error) {
      var name = error.field.split(".").slice(0, 2).join(".");
      var field = form.querySelector('[data-field="' + name + '"], [data-field="row.' + name + '"]');
      if (!field || !error.field) { rest.push(error.message); return; }
      var input = field.querySelector("input, select, textarea");
      show(field.querySelector(".error"), error.message);
      input.setAttribute("aria-invalid", "true");
      first = first || input;
    });
    if (!first || rest.length) { show(form.querySelector(".form-error"), rest.join(" ") || problem.detail || "It was not taken."); }
    if (first) { first.focus(); }
  }

  function valueOf(input) {
    var text = input.value.trim();
    if (text === "") { return null; }
    if (input.dataset.kind === "yes_no") { return text === "true"; }
    if (input.dataset.kind === "list") { return text.split(",").map(function (part) { return part.trim(); }).filter(Boolean); }
    return text;
  }

  function bodyOf(form) {
    var row = {};
    form.querySelectorAll("[data-kind]").forEach(function (input) {
      var value = valueOf(input);
      if (value !== null) { row[input.name] = value; }
    });
    if (form.dataset.person) { row.person_id = form.dataset.person; }
    return { kind: form.dataset.access, act: form.elements.act.value, row: row, reason: form.elements.reason.value.trim() };
  }

  // One key per act: the same again, after a broken connection, is recorded once; another one is new.
  function keyFor(form, text) {
    if (form.dataset.sentAs && form.dataset.sentAs !== text) {
      form.dataset.key = window.crypto.randomUUID ? window.crypto.randomUUID() : form.dataset.key + "-" + Date.now();
    }
    form.dataset.sentAs = text;
    return form.dataset.key;
  }

  async function send(form, address, body) {
    clear(form);
    if (body.reason.length < 3) { refuse(form, { errors: [{ field: "reason", message: "Say why, in at least three letters." }] }); return; }
    var buttons = form.querySelectorAll("button");
    buttons.forEach(function (button) { button.disabled = true; });
    try {
      var response = await window.fetch(address, {
        method: "POST",
        body: JSON.stringify(body),
        credentials: "same-origin",
        headers: {
          "Content-Type": "application/json",
          "Idempotency-Key": keyFor(form, address + JSON.stringify(body)),
          "X-Requested-With": "backoffice"
        }
      });
      var told = await response.json().catch(function () { return {}; });
      if (response.ok) { show(form.querySelector(".done"), told.next); return; }
      refuse(form, told);
    } catch (error) {
      refuse(form, { detail: "The server did not answer. What you typed is still here; try again." });
    }
    buttons.forEach(function (button) { button.disabled = false; });
  }

  document.querySelectorAll("form.access-form").forEach(function (form) {
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      send(form, form.dataset.address, bodyOf(form));
    });
    form.addEventListener("input", function () { form.querySelector("button").disabled = false; });
  });

  document.querySelectorAll("form.measure-form").forEach(function (form) {
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var body = { reason: form.elements.reason.value.trim() };
      if (form.elements.until) { body.until = form.elements.until.value; }
      if (event.submitter && event.submitter.value) { body.answer = event.submitter.value; }
      send(form, form.dataset.address, body);
    });
  });

  document.querySelectorAll("form.access-answer").forEach(function (form) {
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var act = event.submitter.value;
      var body = { reason: form.elements.reason.value.trim() };
      if (act === "approve") { body.shown_sha256 = form.dataset.shown; }
      send(form, form.dataset.address + "/" + act, body);
    });
  });
})();
