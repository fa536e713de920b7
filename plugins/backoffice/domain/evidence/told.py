"""The parts of a pack's page that are read from signed records: decisions, people, entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backoffice.domain.evidence.contents import Item, Record
from backoffice.domain.evidence.markup import Html, pairs, table, tag
from backoffice.domain.evidence.said import Witness
from backoffice.domain.evidence.wording import age, moment, plain


def decisions(records: Sequence[Record]) -> Iterator[Html]:
    """Yield each decision of the machine with all that its record says."""
    for record in records:
        said = record.said
        reasons = said.get("decision") or {}
        yield tag("h3", f"Decision in record {record.no}: {said.get('outcome')}")
        yield pairs(
            [
                ("Decided", said.get("outcome")),
                ("When (UTC)", moment(record.at)),
                ("By rule", said.get("rule")),
                ("Of policy", f"{said.get('policy_id')}, version {said.get('policy_version')}"),
                ("By whose authority", said.get("authority")),
                ("Authority needed", reasons.get("authority")),
                ("Why", reasons.get("why")),
                ("In one sentence", reasons.get("sentence")),
                ("What would have changed it", nearest(reasons.get("nearest"))),
                ("Could not be used", plain(reasons["faults"]) if reasons.get("faults") else ""),
                ("Not asked yet", ", ".join(map(str, reasons.get("not_yet") or ()))),
                ("Run and package", f"{said.get('run_id')}, {said.get('package_version')}"),
                ("Text of the policy, SHA-256", _code(said.get("policy_sha256"))),
                ("Facts, SHA-256", _code(said.get("evidence_sha256"))),
                ("Tolerance set", said.get("tolerance_set")),
                ("Tolerances, SHA-256", _code(said.get("tolerances_sha256"))),
                ("Installed program texts, SHA-256", _code(said.get("texts_sha256"))),
            ]
        )
        yield from _looked_at(said, reasons)


def nearest(given: Any) -> str:
    """Return what would have led to another outcome."""
    if not isinstance(given, Mapping):
        return ""
    changes = "; ".join(
        f"{one.get('input')} {one.get('to')} instead of {one.get('from')}"
        for one in given.get("changes") or ()
    )
    return f"{changes}: then {given.get('outcome')} by rule {given.get('rule')}"


def sources(said: Mapping[str, Any]) -> list[str]:
    """Return what each source had delivered, from when, and how old that was at the decision."""
    return [
        f"{one.get('dataset')} from {one.get('source')}, as of {moment(str(one.get('as_of')))}, "
        f"{age(one.get('age_seconds'))} old"
        for one in said.get("sources") or ()
    ]


def _looked_at(said: Mapping[str, Any], reasons: Mapping[str, Any]) -> Iterator[Html]:
    inputs = said.get("inputs") or {}
    if inputs:
        yield tag("h4", "What the policy looked at")
        yield pairs((name, plain(value)) for name, value in sorted(inputs.items()))
    if reasons.get("why_not"):
        yield tag("h4", "Why not otherwise")
        yield tag("p", "The first condition of each other rule that did not hold.", class_="soft")
        yield table(
            ["Rule", "Looked at", "Would have needed"],
            ([rule, *cell] for rule, cell in sorted(reasons["why_not"].items())),
        )
    if said.get("holds"):
        yield tag("h4", "What held it")
        yield table(
            ["Check", "Line", "Measured", "Limit", "Unit", "Scope", "Facts"],
            (
                [*(one.get(name) for name in ("code", "line", "measured", "limit", "unit", "scope")),
                 str(one.get("facts") or "").replace("|", ", ")]
                for one in said["holds"]
            ),
        )  # fmt: skip
    if said.get("sources"):
        yield tag("h4", "What its sources had delivered, and how old that was")
        yield table(
            ["Dataset", "Source", "As of (UTC)", "Age", "In seconds", "Delivered"],
            (
                [one.get("dataset"), one.get("source"), moment(str(one.get("as_of"))),
                 age(one.get("age_seconds")), one.get("age_seconds"), one.get("delivered")]
                for one in said["sources"]
            ),
        )  # fmt: skip


def people(item: Item, records: Sequence[Record]) -> Iterator[Html]:
    """Yield what people answered; their names and words stand in no record in plain text."""
    if not records:
        return
    yield tag("h3", "What people decided")
    yield tag(
        "p",
        "Names and reasons in words are as the ledger lists them, not signed: a record holds a person's "
        "words encrypted. All else is read from signed records.",
        class_="soft",
    )
    rows = []
    for record in records:
        said = record.said
        rows.append(
            [
                record.no,
                moment(record.at),
                said.get("person_id"),
                said.get("role"),
                f"{said.get('action')}: {said.get('reason_code')}",
                "no: another person had to agree" if said.get("final") == "false" else "yes",
                named(item, said.get("person_id")),
                said.get("reason") or words(item, said),
            ]
        )
    yield table(
        ["No.", "At (UTC)", "Who", "As", "Answer", "Final", "Name (listed)", "Reason (listed)"],
        rows,
    )


def named(item: Item, person: object) -> str:
    """Return the name of a person as the ledger lists it."""
    return str((item.listed.get("persons") or {}).get(str(person)) or "")


def words(item: Item, said: Mapping[str, Any]) -> str:
    """Return what a person wrote, as the ledger lists it."""
    for row in item.listed.get("answers") or ():
        if row.get("answer") == said.get("answer_id"):
            return str(row.get("reason") or "")
    return ""


def entries(item: Item, witness: Witness) -> Iterator[Html]:
    """Yield each journal entry with its lines."""
    accounts = item.listed.get("accounts") or {}
    for key, record in witness.entries.items():
        said = record.said
        yield tag("h3", f"Journal entry in record {record.no}: {str(said.get('event')).replace('_', ' ')}")
        yield pairs(
            [
                ("Key", _code(key)),
                ("Posting date", said.get("posting_date")),
                ("Rests on decision", said.get("decision_id")),
                ("Person", said.get("person_id")),
                ("Case", said.get("case_id")),
                ("Reason code", said.get("reason_code")),
            ]
        )
        lines = witness.lines(key)
        if not said.get("lines"):
            yield tag("p", "Its lines are those of the entry that it reverses, debit and credit exchanged.")
        if lines:
            names = ("debit", "credit", "currency", "purpose")
            yield table(
                ["Account", "Debit", "Credit", "Currency", "Purpose", "Account's name (listed)"],
                (
                    [tag("span", line["account"]), *map(line.get, names), accounts.get(str(line["account"]))]
                    for line in lines
                ),
            )


def _code(value: object) -> object:
    return tag("code", value) if value else value
