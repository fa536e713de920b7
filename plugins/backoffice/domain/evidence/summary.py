"""The page of a pack: what was decided, by which rule, by whom, why, and why not otherwise.

It is made from the other files of the pack and from nothing else, always the same way: whoever checks the
pack makes it anew and compares, so that the page cannot say what the files do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backoffice.domain.evidence import listed
from backoffice.domain.evidence.contents import ALL, Item, Pack, Record, record_file
from backoffice.domain.evidence.markup import Html, items, join, page, pairs, table, tag
from backoffice.domain.evidence.wording import plain, sentence

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#1c2430;max-width:70em;margin:2em auto;padding:0 1em}"
    "h1{font-size:1.6em}h2{margin-top:2.2em;border-bottom:2px solid #345}h3{margin-top:1.6em}"
    "table{border-collapse:collapse;margin:.6em 0}th,td{border:1px solid #c8ced8;padding:.25em "
    ".6em;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}th{background:#eef1f6}.pairs th{width:14em}"
    ".unsigned{border-left:4px solid #c90;padding-left:1em}.note{background:#f4f6fa;padding:.6em 1em}"
    "code{font-size:.92em;overflow-wrap:anywhere}"
)
_SIGNED = "What stands under this heading was read from signed records of the audit log."
_UNSIGNED = (
    "What stands under this heading is what the ledger's tables said when the pack was made. No "
    "signature covers it, "
    "except where it repeats a signed record: there the check program compares both."
)


def write_page(pack: Pack) -> bytes:
    """Return the page."""
    title = str(pack.about["title"])
    body = [tag("h1", title), _lead(pack), *listed.sample(pack)]
    for item in pack.items:
        body += [tag("h2", item.title), *_item(pack, item)]
    body += [tag("h2", "What this pack proves and what not"), _limits(), _files(pack)]
    return page(title, _STYLE, *body).encode("utf-8")


def _lead(pack: Pack) -> Html:
    sealed = sum(1 for one in pack.records.values() if one.place is not None)
    waiting = len(pack.records) - sealed
    said = [
        f"This pack holds {len(pack.records)} records of the audit log "
        f"({sealed} covered by the signed checkpoint in {_checkpoint_name(pack)}"
        + (f", {waiting} not sealed yet)." if waiting else ").")
    ]
    return tag(
        "div",
        tag("p", *said),
        tag(
            "p",
            "Before you rely on it: unpack it and run ",
            tag("code", "python verify.py"),
            ", best with a verify.py that you got elsewhere and with the log's public key from outside (",
            tag("code", "--key"),
            "). Python 3.9 and the package cryptography are enough. It says how many records are "
            "proven, under which "
            "checkpoint, signed by which key, or what is broken.",
        ),
        class_="note",
    )


def _checkpoint_name(pack: Pack) -> str:
    if pack.note is None:
        return "no file: nothing of this log is sealed"
    origin, size, _, _, sealed_at = (*pack.note.split("\n"), "", "", "", "", "")[:5]
    return f"log/checkpoint.txt: {size} records of the log {origin}, {sealed_at.replace('_', ' ')}"


def _item(pack: Pack, item: Item) -> Iterator[Html]:
    records = sorted((pack.records[no] for no in item.records), key=lambda one: (one.at, one.no))
    own = [one for one in records if one.subject in item.subjects]
    yield tag("p", f"Known to the ledger as {item.ref}.")
    yield from listed.document(item.listed)
    yield tag("h3", "What happened, in order")
    yield tag("p", _SIGNED, " ", _completeness(pack, item))
    yield table(["No.", "At (UTC)", "What", "By whose authority", "Place in the log"], map(_row, records))
    yield from _decisions([one for one in own if one.kind == "decision"])
    yield from _people(item, [one for one in own if one.kind == "human"])
    yield from _entries(item, [one for one in own if one.said.get("effect") == "journal entry"])
    if item.listed:
        yield tag("h3", "What it rests on, as the ledger lists it")
        yield tag("div", tag("p", _UNSIGNED), *listed.basis(item.listed), class_="unsigned")


def _completeness(pack: Pack, item: Item) -> str:
    whole = [subject for subject in item.subjects if pack.subjects.get(subject) == ALL]
    return (
        f"The pack holds every record up to its making of {', '.join(whole) or 'nothing'}; of runs, "
        f"policies and calls "
        "to sources it holds those that belong to this and name nobody else."
    )


def _row(record: Record) -> list[object]:
    place = "not sealed yet" if record.place is None else str(record.place)
    link = (
        tag("a", str(record.no), href=record_file(record.no)) if record.body is not None else str(record.no)
    )
    return [link, record.at, sentence(record.kind, record.said), _authority(record), place]


def _authority(record: Record) -> str:
    said = record.said
    if record.kind == "decision":
        return str(said.get("authority") or "")
    if said.get("person_id") and said.get("role"):
        return f"{said['person_id']} as {said['role']}"
    if said.get("person_id"):
        return _named(said, "person_id", "case_id")
    return f"decision {said['decision_id']}" if said.get("decision_id") else ""


def _decisions(records: Sequence[Record]) -> Iterator[Html]:
    for record in records:
        said = record.said
        reasons = said.get("decision") or {}
        yield tag("h3", f"Decision in record {record.no}: {said.get('outcome')}")
        yield pairs(
            [
                ("Decided", said.get("outcome")),
                ("By rule", said.get("rule")),
                ("Of policy", f"{said.get('policy_id')} version {said.get('policy_version')}"),
                ("Text of the policy, SHA-256", said.get("policy_sha256")),
                ("By whose authority", said.get("authority")),
                ("Needed", reasons.get("authority")),
                ("Why", reasons.get("why")),
                ("In one sentence", reasons.get("sentence")),
                ("What would have changed it", _nearest(reasons.get("nearest"))),
                ("Could not be used", plain(reasons["faults"]) if reasons.get("faults") else ""),
                ("Not asked yet", ", ".join(map(str, reasons.get("not_yet") or ()))),
                ("Run and package", f"{said.get('run_id')}, {said.get('package_version')}"),
                ("Facts, SHA-256", said.get("evidence_sha256")),
                ("Tolerance set", said.get("tolerance_set")),
                ("Tolerances, SHA-256", said.get("tolerances_sha256")),
                ("Installed program texts, SHA-256", said.get("texts_sha256")),
            ]
        )
        yield from _looked_at(said, reasons)


def _nearest(nearest: Any) -> str:
    if not isinstance(nearest, Mapping):
        return ""
    changes = "; ".join(
        f"{one.get('input')} {one.get('to')} instead of {one.get('from')}"
        for one in nearest.get("changes") or ()
    )
    return f"{changes}: then {nearest.get('outcome')} by rule {nearest.get('rule')}"


def _looked_at(said: Mapping[str, Any], reasons: Mapping[str, Any]) -> Iterator[Html]:
    inputs = said.get("inputs") or {}
    if inputs:
        yield tag("p", "What the policy looked at:")
        yield pairs((name, plain(value)) for name, value in sorted(inputs.items()))
    if reasons.get("why_not"):
        yield tag("p", "Why not otherwise: the first condition of each other rule that did not hold.")
        yield table(
            ["Rule", "Looked at", "Would have needed"],
            ([rule, *cell] for rule, cell in sorted(reasons["why_not"].items())),
        )
    if said.get("holds"):
        yield tag("p", "What held it:")
        yield table(
            ["Check", "Line", "Measured", "Limit", "Unit", "Scope", "Facts"],
            (
                [*(one.get(name) for name in ("code", "line", "measured", "limit", "unit", "scope")),
                 str(one.get("facts") or "").replace("|", ", ")]
                for one in said["holds"]
            ),
        )  # fmt: skip
    if said.get("sources"):
        yield tag("p", "What its sources had delivered, and how old that was:")
        yield table(
            ["Dataset", "Source", "As of", "Age in seconds", "Delivered"],
            (
                [one.get(name) for name in ("dataset", "source", "as_of", "age_seconds", "delivered")]
                for one in said["sources"]
            ),
        )


def _people(item: Item, records: Sequence[Record]) -> Iterator[Html]:
    if not records:
        return
    yield tag("h3", "What people decided")
    answers = {str(one.get("answer")): one for one in item.listed.get("answers") or ()}
    persons = item.listed.get("persons") or {}
    rows = []
    for record in records:
        said = record.said
        answer = answers.get(str(said.get("answer_id")), {})
        name = persons.get(str(said.get("person_id")))
        words = said.get("reason")
        if words is None:
            words = f"{answer.get('reason') or 'not known'} (as the ledger lists it; encrypted in the record)"
        rows.append(
            [
                record.no,
                record.at,
                f"{name} ({said.get('person_id')})" if name else said.get("person_id"),
                said.get("role"),
                f"{said.get('action')}: {said.get('reason_code')}",
                words,
                "no: another person had to agree" if said.get("final") == "false" else "yes",
            ]
        )
    yield tag("p", "Acts and reasons are read from signed records; names are as the ledger lists them.")
    yield table(["No.", "At (UTC)", "Who", "As", "Answer", "Reason", "Final"], rows)


def _entries(item: Item, records: Sequence[Record]) -> Iterator[Html]:
    accounts = {
        str(line.get("account")): line.get("name")
        for entry in item.listed.get("entries") or ()
        for line in entry.get("lines") or ()
    }
    for record in records:
        said = record.said
        yield tag("h3", f"Journal entry in record {record.no}")
        yield pairs(
            [
                ("Key", said.get("business_key")),
                ("Event", said.get("event")),
                ("Posting date", said.get("posting_date")),
                ("Rests on decision", said.get("decision_id")),
                ("Person, case, reason code", _named(said, "person_id", "case_id", "reason_code")),
            ]
        )
        names = ("debit", "credit", "currency", "purpose")
        if said.get("lines"):
            yield table(
                ["Account", "Its name, as listed", "Debit", "Credit", "Currency", "Purpose"],
                (
                    [line.get("account"), accounts.get(str(line.get("account"))), *map(line.get, names)]
                    for line in said["lines"]
                ),
            )
        else:
            yield tag("p", "Its lines are those of the entry that it reverses, debit and credit exchanged.")


def _named(said: Mapping[str, Any], *names: str) -> str:
    return ", ".join(str(said[name]) for name in names if said.get(name))


def _limits() -> Html:
    return items(
        [
            "Proven by the signature: the bytes of every sealed record, what each is about and its "
            "number within that, "
            "and so also the policy texts and original documents whose hashes stand in them.",
            "Not proven by the signature: what is marked as listed by the ledger, and that no record "
            "was written after "
            "the last one shown. The hash of the whole pack, which the check program prints, covers "
            "all of it: compare "
            "it with that printed where the pack was made.",
            "Not proven at all by any pack: that what was recorded is what happened outside the product.",
        ]
    )


def _files(pack: Pack) -> Html:
    shown = [
        *pack.below("policies"),
        *pack.below("documents"),
        *pack.below("rules"),
        *pack.below("population"),
    ]
    if not shown:
        return Html("")
    links = [tag("a", name, href=name) for name in shown]
    return join([tag("h2", "Files"), items(links)])
