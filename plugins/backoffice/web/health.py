"""What is well and what is not, as a person is told: one sign per part, from what the ledger itself shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from backoffice.domain.wording import age, moment, number, plain
from backoffice.web.signs import Sign

_SEALED_WITHIN = timedelta(minutes=10)
_BOOKED_WITHIN = timedelta(minutes=15)
_REPORTED_WITHIN = timedelta(hours=6)
_NIGHTLY = timedelta(hours=36)


def judge(looked: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], now: datetime) -> list[Sign]:
    """Return a sign for ledger, clock, sealer, booking of answers, and each process's last run.

    That the page is shown at all means that the ledger answers. How Airflow's processes are, Airflow is asked
    (``airflow_health``).
    """
    signs = [Sign("Ledger", "good", "It answers.")]
    if looked["simulated_day"] is not None:
        told = f"Its business day is set to {looked['simulated_day']}."
        signs.append(Sign("Business day", "warn", told, "Right for a drill; nowhere else."))
    signs += [_sealer(looked, now), _booking(looked, now)]
    return signs + [_run(run, now) for run in runs]


def _sealer(looked: Mapping[str, Any], now: datetime) -> Sign:
    since = looked["unsealed_since"]
    waits = (
        f"{number(looked['unsealed'])} records wait to be sealed" if looked["unsealed"] else "Nothing waits"
    )
    last = f"last checkpoint {moment(looked['sealed_at'], 'none yet')}"
    if not looked["sealer"]:
        told = f"No sealer is connected. {waits}; {last}."
        return Sign("Sealer", "bad", told, "Start it: backoffice up, or its container.")
    if since is not None and now - since > _SEALED_WITHIN:
        told = f"{waits}, the oldest for {age(since, now)}; {last}."
        return Sign("Sealer", "bad", told, "Its own log says what keeps it: backoffice doctor.")
    return Sign("Sealer", "good", f"Connected. {waits}; {last}.")


def _booking(looked: Mapping[str, Any], now: datetime) -> Sign:
    since = looked["unbooked_since"]
    if since is not None and now - since > _BOOKED_WITHIN:
        told = f"{number(looked['unbooked'])} answers are not booked, the oldest for {age(since, now)}."
        remedy = "Is the Dag backoffice_housekeeping on, and do scheduler and triggerer run?"
        return Sign("Booking of answers", "bad", told, remedy)
    waits = f"{number(looked['unbooked'])} wait to be booked. " if looked["unbooked"] else ""
    if not looked["booked"]:
        return Sign("Booking of answers", "good", f"{waits}No answer was booked yet.")
    told = (
        f"{waits}Of the last {looked['booked']} answers half were booked within "
        f"{_duration(looked['median_seconds'])}, all within {_duration(looked['longest_seconds'])}."
    )
    return Sign("Booking of answers", "good", told)


def _run(run: Mapping[str, Any], now: datetime) -> Sign:
    name = f"Last run of {plain(run['process']).lower()}"
    began = f"Business day {run['business_date']}, started {moment(run['started_at'])}"
    if run["reported_at"] is None:
        late = now - run["started_at"] > _REPORTED_WITHIN
        told = f"{began}; it has not reported yet."
        return Sign(name, "bad" if late else "warn", told, "See the run in Airflow." if late else "")
    told = f"{began}, reported {moment(run['reported_at'])}."
    if now - run["started_at"] > _NIGHTLY:
        return Sign(name, "warn", told, "No run since; is its Dag on?")
    return Sign(name, "good", told)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def with_age(waiting: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Return the queues with how long their oldest case has waited."""
    return [{**row, "age": age(row["oldest"], now)} for row in waiting]
