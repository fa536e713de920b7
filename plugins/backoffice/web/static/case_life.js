// Sends the small forms of a case: take, give back, hand on, ask, answer, comment, attach. What was typed stays until it is recorded.
"use strict";
(function () {
  var sent = new WeakMap();

  function show(element, text) {
    element.textContent = text || "";
    element.hidden = !text;
  }

  function clear(form) {
    form.querySelectorAll(".error").forEach(function (element) { show(element, ""); });
    form.querySelectorAll("[aria-invalid]").forEach(function (element) { element.removeAttribute("aria-invalid"); });
  }

  function refuse(form, problem) {
    var rest = [];
    var errors = problem.errors || [];
    errors.forEach(function (error) {
      var name = { filename: "file", reason: "why" }[error.field] || error.field;
      var field = form.querySelector('[data-field="' + name + '"]');
      if (!field) { rest.push(error.message); return; }
      show(field.querySelector(".error"), error.message);
      field.querySelectorAll("input, select, textarea").forEach(function (element) { element.setAttribute("aria-invalid", "true"); });
    });
    if (!errors.length) { rest.push(problem.detail || "It was not taken."); }
    var own = form.querySelectorAll(":scope > .error");
    show(own[own.length - 1], rest.join(" "));
    var first = form.querySelector("[aria-invalid=true]");
    if (first) { first.focus(); }
  }

  // The same again, after a broken connection, counts once; something else is something new.
  function keyFor(form, what) {
    var before = sent.get(form);
    var key = form.dataset.key;
    if (before !== undefined && before !== what) {
      key = window.crypto.randomUUID ? window.crypto.randomUUID() : form.dataset.key + "-" + Date.now();
      form.dataset.key = key;
    }
    sent.set(form, what);
    return key;
  }

  function requestOf(form) {
    var address = form.getAttribute("action");
    var file = form.querySelector("input[type=file]");
    if (file) {
      var chosen = file.files[0];
      if (!chosen) { return { errors: [{ field: "file", message: "Choose a file." }] }; }
      return { address: address + "?filename=" + encodeURIComponent(chosen.name), body: chosen, type: "application/octet-stream",
        what: chosen.name + "/" + chosen.size + "/" + chosen.lastModified };
    }
    var body = {};
    var errors = [];
    form.querySelectorAll("select, textarea").forEach(function (element) {
      var name = element.dataset.send || element.name;
      body[name] = element.value.trim();
      if (!body[name]) { errors.push({ field: name, message: name === "question" ? "Please write your question." : "Please write a few words." }); }
    });
    if (errors.length) { return { errors: errors }; }
    var text = Object.keys(body).length ? JSON.stringify(body) : undefined;
    return { address: address, body: text, type: "application/json", what: text || "" };
  }

  async function send(event) {
    var form = event.target;
    event.preventDefault();
    clear(form);
    var request = requestOf(form);
    if (request.errors) { refuse(form, request); return; }
    var button = form.querySelector("button[type=submit]");
    button.disabled = true;
    var headers = { "Idempotency-Key": keyFor(form, request.what), "X-Requested-With": "backoffice" };
    if (request.body !== undefined) { headers["Content-Type"] = request.type; }
    try {
      var response = await window.fetch(request.address, { method: "POST", body: request.body, credentials: "same-origin", headers: headers });
      if (response.ok) { window.location.reload(); return; }
      refuse(form, await response.json().catch(function () { return {}; }));
    } catch (error) {
      refuse(form, { detail: "The server did not answer. What you typed is still here; try again." });
    }
    button.disabled = false;
  }

  document.querySelectorAll("form.act").forEach(function (form) { form.addEventListener("submit", send); });
})();
