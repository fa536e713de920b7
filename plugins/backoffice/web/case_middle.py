"""The middle of the case page: what failed, the story of the lines, what stays booked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backoffice.domain.wording import amount, day, moment, price, quantity, read_decimal, role
from backoffice.settings import sql
from backoffice.web.auth import Person
from backoffice.web.case_view import HoldView
from backoffice.web.cases import CaseRecord, titles_of_codes
from backoffice.web.database import Connection, fetch_all
from backoffice.web.hypotheses import HypothesisView

_OF_RECEIPTS = {"QTY_REC", "NO_RECEIPT", "AMT_REC"}
_NAMED_BY = {"buyer": "order by", "receiver": "received by"}


def view_middle(connection: Connection, person: Person, record: CaseRecord) -> dict[str, Any]:
    """Return what the middle of the case page shows besides holds and hypotheses."""
    asked = {"case_id": record.case["case_id"], "person_id": person.person_id}
    handover = record.handover
    entries = handover.get("entries") or {}
    document = handover.get("document") or {}
    return {
        "failed": _failed(handover, record.holds),
        "timeline": view_lines(handover.get("timeline") or [], str(document.get("date") or "")),
        "same_total": _same_total(record.hypotheses, handover.get("hypotheses") or []),
        "standing": list(entries.get("standing") or []),
        "stays_open": stays_open(entries.get("gr_ir") or []),
        "entry_in_doubt": entry_in_doubt(handover.get("hypotheses") or [], entries),
        "may_wait": bool(record.holds) and all(hold.code in _OF_RECEIPTS for hold in record.holds),
        "no_accept": no_accept(record.holds, record.actions),
        "siblings": fetch_all(connection, sql("review/list_sibling_cases"), asked),
        "named_persons": fetch_all(connection, sql("review/list_document_persons"), asked),
        "titles": titles_of_codes(connection),
    }


def decided_by(case: Mapping[str, Any]) -> str:
    """Say whose the case is: a role, and the person of it whom the document names."""
    named = role(case["role"])
    part = _NAMED_BY.get(case["role"], "named:")
    return f"{named} ({part} {case['candidate']})" if case.get("candidate") else named


def _failed(handover: Mapping[str, Any], holds: Sequence[HoldView]) -> dict[str, Any] | None:
    """Return the step that did not go through, when, and why in one sentence."""
    findings = handover.get("findings") or []
    if findings:
        checked: dict[str, Any] = next(
            (step for step in handover.get("steps") or [] if step["step"] == "checked"), {}
        )
        return {"step": "checked", "at": checked.get("at"), "why": f"{findings[0].get('reason')}."}
    step = handover.get("failed_step") or {}
    place = next(
        (
            n
            for n, hold in enumerate(handover.get("holds") or [])
            if hold.get("hold_id") == step.get("hold_id")
        ),
        None,
    )
    if place is None:
        return None
    return {"step": step.get("step"), "at": step.get("at"), "why": holds[place].sentence}


def view_lines(timeline: Sequence[Mapping[str, Any]], invoice_date: str) -> list[dict[str, Any]]:
    """Put the stories of the lines into words."""
    return [
        {**line, "events": [_event(event, invoice_date) for event in line.get("events") or []]}
        for line in timeline
    ]


def _event(event: Mapping[str, Any], invoice_date: str) -> dict[str, Any]:
    on = day(str(event.get("at") or "")[:10])
    known = str(event.get("known_at") or "")
    told = [quantity(event["quantity"], event.get("uom"))] if event.get("quantity") else []
    if event.get("price"):
        told.append(price(event["price"], event.get("currency"), event.get("per")))
    text = " at ".join(told)
    if event.get("value"):
        text += f" = {amount(event['value'], event.get('currency'))}"
    changed = event.get("what") == "order changed"
    notes = [str(event["reference"])] + ([str(event["state"])] if event.get("state") else [])
    if event.get("undated"):
        notes.append(f"the source does not say when; known here since {moment(known)}")
    elif changed and known:
        notes.append(f"known here since {moment(known)}")
    return {
        "what": event["what"],
        "on": on,
        "text": text,
        "notes": " · ".join(notes),
        "this": bool(event.get("this")),
        "late": _late(changed and bool(invoice_date) and on > invoice_date, bool(event.get("undated"))),
    }


def _late(after: bool, undated: bool) -> str | None:
    """Say that the order was changed after the invoice was written, or that only this is known."""
    if not after:
        return None
    return "known only after the invoice was written" if undated else "after the invoice was written"


def _same_total(views: Sequence[HypothesisView], told: Sequence[Mapping[str, Any]]) -> str | None:
    """Say that the amount is as agreed, when the best explanation shows that only its factors differ."""
    if not views or views[0].total != "same" or not told:
        return None
    facts = told[0].get("facts") or {}
    agreed = amount(facts.get("reference_amount"), facts.get("currency"))
    line = f" of line {views[0].line}" if views[0].line else ""
    return (
        f"The amount{line} is right: {agreed}, as agreed. Quantity and price differ, not what is to be paid."
    )


def stays_open(balances: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say where GR/IR of the order lines stands while the invoice is booked as it is."""
    sentences = []
    for one in balances:
        received, billed = read_decimal(one.get("received_value")), read_decimal(one.get("billed_value"))
        if received is None or billed is None or received == billed:
            continue
        side, apart = ("credit", received - billed) if received > billed else ("debit", billed - received)
        sentences.append(
            f"GR/IR of order {one['order']} line {one['order_line']} stands at "
            f"{amount(apart, one['currency'])} {side}: "
            f"{quantity(one['billed'], one['uom'])} are booked as billed, "
            f"{quantity(one['received'], one['uom'])} as received."
        )
    return sentences


def entry_in_doubt(told: Sequence[Mapping[str, Any]], entries: Mapping[str, Any]) -> str | None:
    """Say what the right entry would be, when quantity and price of a right amount were mixed up.

    The engine books the billed quantity at the order price, and the rest as price variance. With the quantity
    in another unit, or exchanged with the price, that is not what was delivered: GR/IR does not clear, and
    there is no variance.
    """
    if not told or not (entries.get("standing") or entries.get("accept")):
        return None
    facts = told[0].get("facts") or {}
    if told[0].get("hypothesis") not in ("unit_factor", "swapped_values") or facts.get("total") != "same":
        return None
    right = amount(facts.get("reference_amount"), facts.get("currency"))
    agreed = quantity(facts.get("compared"), facts.get("compared_uom"))
    return (
        "The entry follows the quantity that is printed. If the first cause is right it should be "
        f"{right} in GR/IR ({agreed} at the order price) and no price variance. Accept pays what is due but "
        "corrects neither this entry nor the quantity that counts as billed on the order line: have both "
        "corrected, or reject and ask for a correct invoice, which reverses the entry."
    )


def no_accept(holds: Sequence[HoldView], actions: Sequence[Mapping[str, Any]]) -> str | None:
    """Say why a held document cannot be accepted."""
    if not holds or not actions or any(one["action"] == "accept" for one in actions):
        return None
    titles = ", ".join(dict.fromkeys(hold.title.lower() for hold in holds if hold.effect != "W"))
    return (
        f"This cannot be accepted, because no person may release it: {titles}. When the order, the master "
        "data or the invoice is corrected the case closes by itself. Or reject it."
    )
