"""The questions that whoever audits asks first, and what the signed records answer."""

from __future__ import annotations

from collections.abc import Sequence

from backoffice.domain.evidence.contents import Item, Record
from backoffice.domain.evidence.heading import heading
from backoffice.domain.evidence.markup import Html, items, pairs
from backoffice.domain.evidence.said import Witness
from backoffice.domain.evidence.told import nearest, sources
from backoffice.domain.evidence.wording import moment, plain, sentence

_NOTHING_DECIDED = "no decision is on record about it"


def in_short(item: Item, witness: Witness) -> Html:
    """Return the answers."""
    decision = witness.decisions[-1] if witness.decisions else None
    people = [
        one
        for one in witness.own
        if one.said.get("person_id") and (one.kind == "human" or "acted_at" in one.said)
    ]
    return pairs(
        [
            ("What", heading(item, witness)),
            ("The document", _lines(_document(item))),
            ("What came of it", _lines(_outcome(witness))),
            ("Who", _lines(_who(witness.decisions, people))),
            ("When (UTC)", _when(witness.own)),
            ("Why", _lines(_why(decision, people))),
            ("Why not otherwise", _why_not(decision)),
            ("By which rule", _rule(decision, item)),
            ("On which inputs", _lines(_inputs(decision))),
            ("How old they were", _lines(sources(decision.said)) if decision else ""),
            ("What was booked", _lines(_booked(witness))),
            ("What this pack cannot prove", _unproven(witness)),
        ]
    )


def _is_act(record: Record) -> bool:
    return record.kind == "human" or "acted_at" in record.said


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
    return told or [_NOTHING_DECIDED]


def _why_not(decision: Record | None) -> str:
    reasons = decision.said.get("decision") or {} if decision else {}
    near = nearest(reasons.get("nearest"))
    return f"nearest to another outcome: {near}" if near else ""


def _rule(decision: Record | None, item: Item) -> str:
    if decision is None:
        return "" if item.ref.startswith("policy:") else _NOTHING_DECIDED
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
