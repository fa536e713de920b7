"""The questions that whoever audits asks first, and what the signed records answer."""

from __future__ import annotations

from collections.abc import Sequence

from backoffice.domain.evidence.contents import Item, Record
from backoffice.domain.evidence.heading import authority_rows, heading
from backoffice.domain.evidence.markup import Html, items, pairs
from backoffice.domain.evidence.said import Witness
from backoffice.domain.evidence.told import nearest, sources
from backoffice.domain.evidence.wording import moment, plain, sentence


def in_short(item: Item, witness: Witness) -> Html:
    """Return the answers."""
    decision = witness.decisions[-1] if witness.decisions else None
    if item.ref.startswith("policy:"):
        return _policy(item, witness)
    if item.subjects == ("setting:review.authority",):
        return _authority(item, witness)
    people = [one for one in witness.own if one.kind == "human" and one.said.get("person_id")]
    return pairs(
        [
            ("What", heading(item, witness)),
            ("The document", _lines(_document(item))),
            ("What came of it", _lines(_outcome(witness))),
            ("Who", _lines(_who(witness.decisions, people))),
            ("When (UTC)", _when(witness.own)),
            ("Why", _lines(_why(decision, people) or [_undecided(witness)])),
            ("What held it", _lines(_held(decision))),
            ("Why not otherwise", _why_not(decision)),
            ("By which rule", _rule(decision) or _undecided(witness)),
            ("On which inputs", _lines(_inputs(decision))),
            ("How old they were", _lines(sources(decision.said)) if decision else ""),
            ("What was booked", _lines(_booked(witness))),
            ("What this pack cannot prove", _unproven(witness)),
        ]
    )


def _policy(item: Item, witness: Witness) -> Html:
    """Return the answers about a version of a policy, from the records that name it."""
    version = item.ref.partition("@")[2]
    own = [one for one in witness.own if one.said.get("version") == version]
    acts = [one for one in own if "acted_at" in one.said]
    said = own[0].said if own else {}
    entered = [one for one in own if one.said.get("effective_from")]
    limit = next((one.said for one in own if one.said.get("machine_limit")), {})
    who = [f"{one.said['person_id']} as {one.said.get('role')}: {one.said.get('step')}" for one in acts]
    why = "in words, which the records hold encrypted; see the reasons below, as listed" if acts else ""
    two = len({one.said["person_id"] for one in acts}) > 1
    return pairs(
        [
            ("What", heading(item, witness)),
            ("What came of it", _lines([sentence(one.kind, one.said) for one in own])),
            ("Who", _lines(who or [f"the owner of the database: {said.get('activated_by') or 'not known'}"])),
            ("When (UTC)", _when(own)),
            ("Why", why or "no reason is on record: the owner of the database entered it"),
            ("By which rule", "one person proposed it and another decided" if two else ""),
            (
                "The machine may decide up to",
                f"{limit.get('machine_limit')} {limit.get('currency')}" if limit else "",
            ),
            ("In force from", entered[-1].said["effective_from"] if entered else ""),
            ("In place of version", said.get("replaces_version")),
            ("Text of the policy, SHA-256", said.get("sha256")),
            ("What it was tried on, SHA-256", said.get("impact_sha256")),
            ("What was booked", "a policy books nothing by itself"),
            ("What this pack cannot prove", _unproven(witness)),
        ]
    )


def _authority(item: Item, witness: Witness) -> Html:
    """Return the answers about an authority of a person."""
    own = [one for one in witness.own if authority_rows(Witness(item.subjects, [one]), item.ref)]
    row = authority_rows(witness, item.ref)[-1:]
    limit = (
        f"{row[0].get('amount_limit')} {row[0].get('currency')}" if row and row[0].get("amount_limit") else ""
    )
    steps = {"on record": "stood in the table when recording began; noted"}
    changes = []
    for one in own:
        step = str(one.said.get("step"))
        changes.append(f"{moment(one.at)}: {steps.get(step, step)} by {one.said.get('by')}")
    return pairs(
        [
            ("What", heading(item, witness)),
            ("Up to", limit),
            ("To", row[0].get("effective_to") if row else ""),
            ("Who entered or changed it, and when (UTC)", _lines(changes)),
            ("Why", "no record of the log gives a reason for a change of authority"),
            ("What this pack cannot prove", _unproven(witness)),
        ]
    )


def _undecided(witness: Witness) -> str:
    if any(subject.startswith("receipt:") for subject in witness.subjects):
        return "what was received is booked as it was received: nobody decides on a receipt"
    return "no decision is on record about it"


def _lines(lines: Sequence[str]) -> object:
    if len(lines) < 2:
        return lines[0] if lines else ""
    return items(lines)


def _document(item: Item) -> list[str]:
    said = item.signed.get("document") or {}
    named = (
        ("content, SHA-256", "content_sha256"),
        ("original, SHA-256", "original_sha256"),
        ("source", "source"),
    )
    told = [f"{name}: {said[key]}" for name, key in named if said.get(key)]
    if said.get("received_at"):
        told.append(f"received (UTC): {moment(str(said['received_at']))}")
    return told


def _outcome(witness: Witness) -> list[str]:
    """Return the last decision, and what happened since that people would call a result."""
    told = [sentence(one.kind, one.said) for one in witness.decisions[-1:]]
    for one in witness.own:
        step = str(one.said.get("step") or one.said.get("effect") or "")
        if (one.kind in ("effect", "policy") and step != "journal entry") or step == "answer booked":
            told.append(sentence(one.kind, one.said))
    return told[-8:]


def _who(decisions: Sequence[Record], people: Sequence[Record]) -> list[str]:
    told = []
    for authority in dict.fromkeys(str(one.said.get("authority") or "not known") for one in decisions):
        told.append(f"the program decided, with the authority: {authority}")
    for one in people:
        said = one.said
        told.append(f"{said['person_id']} as {said.get('role')}: {said.get('action') or said.get('step')}")
    return told or ["the program; nobody had to decide"]


def _when(records: Sequence[Record]) -> str:
    moments = sorted(one.at for one in records if one.at)
    if not moments:
        return ""
    first, last = moment(moments[0]), moment(moments[-1])
    return first if first == last else f"{first} to {last}"


def _why(decision: Record | None, people: Sequence[Record]) -> list[str]:
    told = []
    if decision is not None:
        why = (decision.said.get("decision") or {}).get("why")
        told.append(f"the program: {why}" if why else "the program: its record gives no reason")
    for one in people:
        if one.said.get("reason_code"):
            told.append(f"{one.said['person_id']}: {one.said['reason_code']}")
    return told


def _held(decision: Record | None) -> list[str]:
    told = []
    for one in decision.said.get("holds") or () if decision else ():
        line = f", line {one['line']}" if one.get("line") else ""
        limit = f", limit {one['limit']} {one.get('unit') or ''}" if one.get("limit") else ""
        measured = f": measured {one['measured']}" if one.get("measured") else ""
        told.append(f"{one.get('code')}{line}{measured}{limit}".rstrip())
    return told


def _why_not(decision: Record | None) -> str:
    reasons = decision.said.get("decision") or {} if decision else {}
    near = nearest(reasons.get("nearest"))
    return f"nearest to another outcome: {near}" if near else ""


def _rule(decision: Record | None) -> str:
    if decision is None:
        return ""
    said = decision.said
    return (
        f"rule {said.get('rule')} of policy {said.get('policy_id')}, version {said.get('policy_version')}, "
        f"text with SHA-256 {said.get('policy_sha256')}, decided by package {said.get('package_version')}"
    )


def _inputs(decision: Record | None) -> list[str]:
    given = decision.said.get("inputs") or {} if decision else {}
    return [f"{name}: {plain(value)}" for name, value in sorted(given.items())]


def _booked(witness: Witness) -> list[str]:
    told = []
    for key, one in witness.entries.items():
        told.append(sentence(one.kind, {**one.said, "lines": witness.lines(key) or []}))
    return told or ["no journal entry is on record about it"]


def _unproven(witness: Witness) -> str:
    last: dict[str, int] = {}
    for one in witness.own:
        last[one.subject] = max(one.n, last.get(one.subject, 0))
    ends = ", ".join(f"record {n} of {subject}" for subject, n in sorted(last.items()))
    return (
        f"That nothing was recorded after {ends or 'its last record'}; what is marked as listed, not signed; "
        "and that what was recorded is what happened outside the product."
    )
