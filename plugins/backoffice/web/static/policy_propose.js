// Checks the text of a policy and proposes exactly the text that was checked. What is typed stays until it is recorded.
"use strict";
(function () {
  var form = document.getElementById("policy-propose");
  if (!form) { return; }
  var text = form.elements.content;
  var buttons = form.querySelectorAll("button[type=submit]");
  var proposing = form.querySelector('button[value="propose"]');
  var key = form.dataset.key;
  var sentAs = null;
  var checked = null;

  function byId(id) { return document.getElementById(id); }

  function show(element, words) {
    element.textContent = words || "";
    element.hidden = !words;
  }

  function clear() {
    form.querySelectorAll(".field .error").forEach(function (place) { show(place, ""); });
    form.querySelectorAll("[aria-invalid]").forEach(function (input) { input.removeAttribute("aria-invalid"); });
    show(byId("form-error"), "");
    byId("findings").hidden = true;
    byId("checked").hidden = true;
  }

  function what() { return JSON.stringify({ content: text.value, effective_from: form.elements.effective_from.value || null }); }

  function offer() {
    proposing.disabled = checked === null || checked !== what();
    byId("propose-hint").hidden = !proposing.disabled;
  }

  function goToLine(number) {
    var lines = text.value.split("\n");
    var start = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[number - 1] || "").length);
    text.scrollTop = Math.max(0, (number - 4) * (text.scrollHeight / Math.max(lines.length, 1)));
  }

  function cell(row, label, words) {
    var made = document.createElement("td");
    made.dataset.label = label;
    made.textContent = words || "–";
    row.appendChild(made);
    return made;
  }

  function showFindings(findings) {
    var body = byId("findings").querySelector("tbody");
    body.textContent = "";
    findings.forEach(function (one) {
      var row = document.createElement("tr");
      var place = cell(row, "Line", one.line ? "" : "–");
      if (one.line) {
        place.textContent = "";
        var jump = document.createElement("button");
        jump.type = "button";
        jump.className = "button small";
        jump.textContent = "line " + one.line;
        jump.addEventListener("click", function () { goToLine(one.line); });
        place.appendChild(jump);
      }
      cell(row, "Rule", one.rule);
      cell(row, "Cell", one.cell);
      cell(row, "What is wrong", one.problem + (one.value ? " (" + one.value + ")" : ""));
      cell(row, "What to do", one.remedy);
      body.appendChild(row);
    });
    byId("findings-head").textContent = findings.length + (findings.length === 1 ? " finding" : " findings") + "; nothing is stored";
    byId("findings").hidden = false;
    byId("findings").focus();
  }

  function showChecked(told) {
    var impact = told.impact;
    byId("checked-head").textContent = "Version " + told.version + " instead of " + told.replaces_version + ", from " + told.effective_from;
    byId("checked-impact").textContent = "It can be used. The machine decides up to " + told.machine_limit + " " + told.currency + ". " +
      (impact.decisions ? impact.changed + " of the last " + impact.decisions + " decisions come out otherwise." : "No decision is recorded yet to try it on.");
    var moves = byId("checked-moves");
    moves.textContent = "";
    impact.moves.forEach(function (move) {
      var item = document.createElement("li");
      item.textContent = move.count + " from " + move.from + " to " + move.to;
      moves.appendChild(item);
    });
    byId("checked-difference").textContent = told.difference.join("\n") || "The texts are the same.";
    byId("checked").hidden = false;
    byId("checked").focus();
  }

  function refuse(problem) {
    if (problem.findings && problem.findings.length) { showFindings(problem.findings); return; }
    var rest = [];
    (problem.errors || []).forEach(function (error) {
      var field = error.field && form.querySelector('[data-field="' + error.field + '"]');
      if (!field) { rest.push(error.message); return; }
      show(field.querySelector(".error"), error.message);
      var input = field.querySelector("input, textarea");
      input.setAttribute("aria-invalid", "true");
      input.focus();
    });
    if (rest.length || !(problem.errors || []).length) { show(byId("form-error"), rest.join(" ") || problem.detail || "It was not taken."); }
  }

  function wait(waiting) {
    buttons.forEach(function (button) { button.disabled = waiting; });
    if (!waiting) { offer(); }
  }

  // One key per act: the same again, after a broken connection, is recorded once; another one is new.
  function keyFor(words) {
    if (sentAs !== null && sentAs !== words) { key = window.crypto.randomUUID ? window.crypto.randomUUID() : key + "-" + Date.now(); }
    sentAs = words;
    return key;
  }

  async function send(address, body, headers) {
    wait(true);
    try {
      var response = await window.fetch(address, {
        method: "POST",
        body: JSON.stringify(body),
        credentials: "same-origin",
        headers: Object.assign({ "Content-Type": "application/json", "X-Requested-With": "backoffice" }, headers)
      });
      var told = await response.json().catch(function () { return {}; });
      if (response.ok) { return told; }
      refuse(told);
    } catch (error) {
      refuse({ detail: "The server did not answer. What you typed is still here; try again." });
    } finally {
      wait(false);
    }
    return null;
  }

  async function check() {
    var asked = what();
    checked = null;
    var told = await send(form.dataset.check, JSON.parse(asked), {});
    if (told) { checked = asked; showChecked(told); offer(); }
  }

  async function propose() {
    var body = JSON.parse(what());
    body.reason = form.elements.reason.value.trim();
    if (body.reason.length < 3) { refuse({ errors: [{ field: "reason", message: "Say why, in at least three letters." }] }); return; }
    var told = await send(form.dataset.propose, body, { "Idempotency-Key": keyFor(JSON.stringify(body)) });
    if (!told) { return; }
    byId("next").textContent = told.next;
    byId("proposal-link").href = form.dataset.proposals + "/" + told.proposal_id;
    byId("done").hidden = false;
    buttons.forEach(function (button) { button.disabled = true; });
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    clear();
    if (event.submitter && event.submitter.value === "propose") { propose(); } else { check(); }
  });
  text.addEventListener("input", offer);
  form.elements.effective_from.addEventListener("input", offer);
  byId("file").addEventListener("change", async function (event) {
    var file = event.target.files[0];
    if (!file) { return; }
    clear();
    try {
      text.value = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    } catch (error) {
      show(byId("form-error"), "This file is no text in UTF-8.");
    }
    offer();
  });
})();
