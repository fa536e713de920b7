// Sends what a person does with a proposed change of a policy. What is typed stays until it is recorded.
"use strict";
(function () {
  var form = document.getElementById("policy-act");
  if (!form) { return; }
  var key = form.dataset.key;
  var sentAs = null;
  var buttons = form.querySelectorAll("button[type=submit]");

  function show(element, text) {
    element.textContent = text || "";
    element.hidden = !text;
  }

  function refuse(problem) {
    var texts = (problem.errors || []).map(function (error) { return error.message; });
    show(document.getElementById("form-error"), texts.join(" ") || problem.detail || "It was not taken.");
  }

  function wait(waiting) {
    buttons.forEach(function (button) { button.disabled = waiting; });
  }

  // One key per act: the same again, after a broken connection, is recorded once; another one is new.
  function keyFor(text) {
    if (sentAs !== null && sentAs !== text) { key = window.crypto.randomUUID ? window.crypto.randomUUID() : key + "-" + Date.now(); }
    sentAs = text;
    return key;
  }

  async function send(event) {
    event.preventDefault();
    show(document.getElementById("form-error"), "");
    var act = event.submitter.value;
    var body = { reason: form.elements.reason.value.trim() };
    if (act === "approve") { body.impact_sha256 = form.dataset.impact; }
    if (body.reason.length < 3) { refuse({ detail: "Say why, in at least three letters." }); form.elements.reason.focus(); return; }
    wait(true);
    try {
      var response = await window.fetch(form.dataset.address + "/" + act, {
        method: "POST",
        body: JSON.stringify(body),
        credentials: "same-origin",
        headers: {
          "Content-Type": "application/json",
          "Idempotency-Key": keyFor(act + JSON.stringify(body)),
          "X-Requested-With": "backoffice"
        }
      });
      var told = await response.json().catch(function () { return {}; });
      if (response.ok) {
        show(document.getElementById("next"), told.next);
        form.hidden = true;
        document.getElementById("done").hidden = false;
        return;
      }
      refuse(told);
    } catch (error) {
      refuse({ detail: "The server did not answer. What you typed is still here; try again." });
    }
    wait(false);
  }

  form.addEventListener("submit", send);
})();
