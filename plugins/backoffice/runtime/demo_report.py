"""What ``make demo`` prints about a run: read from the ledger as the auditor, who can change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import psycopg

# The first case to look at: parked means nothing is booked yet, so the answer is what books it.
_PREFERRED_CODES = ("DUP_EXACT", "DUP_LIKELY", "PO_MISSING", "PO_NOT_FOUND")


@dataclass(frozen=True)
class OpenCase:
    """A case for the reader to decide.

    :param case_id: Its number.
    :param title: Its title.
    :param role: The role that decides it.
    :param user: An Airflow user who has that role and a sufficient limit, where the ledger knows one.
    :param codes: The holds in it.
    :param parked: Whether a hold in it keeps the invoice from being booked at all.
    :param action: The proposed action to print, with one of its reason codes.
    :param reason_code: A reason code of that action, where it wants one.
    """

    case_id: int
    title: str
    role: str
    user: str | None
    codes: tuple[str, ...]
    parked: bool
    action: str
    reason_code: str | None


def run_report(dsn: str, dag_id: str, airflow_run_id: str) -> dict[str, Any] | None:
    """Return the report that a run left in the ledger, or None."""
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        row = connection.execute(
            "SELECT report FROM ops.run_report JOIN ops.run USING (run_id) "
            "WHERE dag_id = %s AND airflow_run_id = %s",
            (dag_id, airflow_run_id),
        ).fetchone()
    return dict(row[0]) if row else None


def report_count(dsn: str, dag_id: str) -> int:
    """Return how many runs of the Dag have reported."""
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        row = connection.execute(
            "SELECT count(*) FROM ops.run_report JOIN ops.run USING (run_id) WHERE dag_id = %s", (dag_id,)
        ).fetchone()
    return int(row[0]) if row else 0


def open_case(dsn: str) -> OpenCase | None:
    """Return one open case that one person may decide alone: a parked one where there is any."""
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        rows = connection.execute(
            """
            SELECT c.case_id, c.title, c.role, c.handover,
                   array_agg(DISTINCT i.code ORDER BY i.code), coalesce(bool_or(h.effect = 'B'), false) AS
                   parked, (SELECT min(d.user_id)
                      FROM review.authority a JOIN review.identity d USING (person_id)
                     WHERE d.system = 'airflow' AND a.role = c.role AND a.process IN ('*', c.process)
                       AND a.entity IN ('*', c.entity)
                       AND a.currency = coalesce(c.currency, a.currency)
                       AND a.amount_limit >= coalesce(c.amount, 0)
                       AND current_date BETWEEN a.effective_from AND coalesce(a.effective_to, 'infinity'))
              FROM review."case" c
              JOIN review.case_item i USING (case_id)
              LEFT JOIN ledger.hold h USING (hold_id)
             WHERE c.state = 'open' AND c.subject_kind = 'invoice'
             GROUP BY c.case_id
             ORDER BY coalesce(bool_or(h.effect = 'B'), false) DESC, count(*), c.amount, c.case_id
            """
        ).fetchall()
    cases = [case for case in (_case(row) for row in rows) if case is not None]
    # The sort is stable: among equals the simplest and smallest stays first.
    cases.sort(key=lambda case: (case.user is None, not case.parked, _rank(case.codes)))
    return cases[0] if cases else None


def _case(row: tuple[Any, ...]) -> OpenCase | None:
    case_id, title, role, handover, codes, parked, user = row
    for proposed in handover.get("actions", []):
        if proposed.get("action") == "accept" and not proposed.get("needs_second_person"):
            reasons = proposed.get("reason_codes") or [None]
            return OpenCase(case_id, title, role, user, tuple(codes), parked, "accept", reasons[0])
    return None


def _rank(codes: tuple[str, ...]) -> tuple[int, int]:
    known = [_PREFERRED_CODES.index(code) for code in codes if code in _PREFERRED_CODES]
    return (min(known, default=len(_PREFERRED_CODES)), len(codes))


def ties(report: dict[str, Any]) -> bool:
    """Tell whether the run made its checks and every one of them held."""
    checks = report.get("checks") or []
    return bool(checks) and all(check.get("ok") is True for check in checks)


def lines(report: dict[str, Any]) -> list[str]:
    """Return the report as lines of plain text; a part that a report lacks is left out."""
    run = report.get("run") or {}
    head = f"Run {run.get('run_id', '?')} of business day {run.get('business_date', '?')}"
    if run.get("synthetic"):
        head += "   (SYNTHETIC DATA of the sandbox company)"
    parts = (_sources, _invoices, _holds, _bookings, _cases, _checks, _audit)
    return [head, *(line for part in parts for line in part(report))]


def _sources(report: dict[str, Any]) -> list[str]:
    found = ["", f"  {'source / dataset':<28}{'received':>10}{'accepted':>10}{'quarantined':>13}{'known':>8}"]
    for source in report.get("sources") or []:
        name = f"{source.get('source')} / {source.get('dataset')}"
        counts = (
            source.get("received"),
            source.get("accepted"),
            source.get("quarantined"),
            source.get("known"),
        )
        found.append(
            f"  {name:<28}{_n(counts[0]):>10}{_n(counts[1]):>10}{_n(counts[2]):>13}{_n(counts[3]):>8}"
        )
    return found if len(found) > 2 else []


def _invoices(report: dict[str, Any]) -> list[str]:
    invoices, states = report.get("invoices"), report.get("lines")
    found = []
    if invoices:
        rate = invoices.get("straight_through_rate")
        found.append(
            f"  invoices   {_n(invoices.get('evaluated'))} evaluated"
            f" = {_n(invoices.get('approve'))} approved + {_n(invoices.get('wait'))} waiting"
            f" + {_n(invoices.get('review'))} to review"
            + ("" if rate is None else f" (straight through: {_percent(rate)})")
        )
    if states:
        found.append(
            "  lines      "
            + ", ".join(f"{_n(count)} {name.replace('_', ' for ', 1)}" for name, count in states.items())
        )
    return ["", *found] if found else []


def _holds(report: dict[str, Any]) -> list[str]:
    holds = [
        f"{hold.get('code')}/{hold.get('effect')} {_n(hold.get('count'))}"
        for hold in report.get("holds") or []
    ]
    stake = [
        f"{_money(item.get('amount'))} {item.get('currency')} {item.get('what')}"
        for item in report.get("money_at_stake") or []
    ]
    return [
        f"  {title:<11}{', '.join(values)}"
        for title, values in (("holds", holds), ("at stake", stake))
        if values
    ]


def _bookings(report: dict[str, Any]) -> list[str]:
    found = []
    if booked := report.get("bookings"):
        found.append(
            f"  booked     {_n(booked.get('entries'))} entries, debit {_money(booked.get('debit'))} = "
            f"credit {_money(booked.get('credit'))} {booked.get('currency') or ''}".rstrip()
        )
    if paid := report.get("payments"):
        found.append(
            f"  proposed   {_n(paid.get('proposed'))} payments, "
            f"{_money(paid.get('amount'))} {paid.get('currency') or ''}".rstrip()
        )
    return found


def _cases(report: dict[str, Any]) -> list[str]:
    cases = report.get("cases") or {}
    if not cases:
        return []
    roles = ", ".join(f"{item.get('role')} {_n(item.get('open'))}" for item in cases.get("by_role") or [])
    return [
        f"  cases      {_n(cases.get('opened'))} opened, {_n(cases.get('open'))} open"
        + (f" ({roles})" if roles else "")
    ]


def _checks(report: dict[str, Any]) -> list[str]:
    checks = report.get("checks") or []
    bad = [check for check in checks if check.get("ok") is not True]
    if not checks:
        return ["", "  THE RUN REPORTED NO CHECKS"]
    found = [
        "",
        f"  checks     {len(checks) - len(bad)} of {len(checks)} hold" + ("" if bad else ": the totals tie"),
    ]
    return found + [f"  FAILED     {check.get('check')}: {check.get('detail')}" for check in bad]


def _audit(report: dict[str, Any]) -> list[str]:
    audit = report.get("audit") or {}
    if audit.get("checkpoint") is None:
        return ["  audit log  NOT SEALED"]
    return [f"  audit log  sealed at checkpoint {audit['checkpoint']}"]


def _n(value: Any) -> str:
    return "?" if value is None else f"{int(value):,}"


def _money(value: Any) -> str:
    try:
        return f"{Decimal(str(value)):,.2f}"
    except InvalidOperation:
        return "?"


def _percent(value: Any) -> str:
    try:
        return f"{Decimal(str(value)) * 100:.1f} %"
    except InvalidOperation:
        return "?"
