"""Versions of one policy over time: each day has exactly one.

A version decides from its ``effective_from`` to its ``effective_to``, both inclusive; one without an end
decides until the next begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby, pairwise

from backoffice.domain.decision_table.findings import Finding, Kind
from backoffice.domain.decision_table.policy import Policy


def examine_versions(policies: Iterable[tuple[str, Policy]]) -> list[Finding]:
    """Return days with two versions or none between versions, and numbers that do not rise with the days.

    :param policies: Policies of any names, each with the file that it came from.
    """
    ordered = sorted(
        policies, key=lambda one: (one[1].policy_id, one[1].effective_from, one[1].version, one[0])
    )
    findings: list[Finding] = []
    for _, versions in groupby(ordered, key=lambda one: one[1].policy_id):
        for (_, earlier), (file, later) in pairwise(versions):
            findings += _between(earlier, later, file)
    return findings


def _place(one: tuple[str, Policy]) -> tuple[str, date, int, str]:
    file, policy = one
    return policy.policy_id, policy.effective_from, policy.version, file


def _between(earlier: Policy, later: Policy, file: str) -> Iterator[Finding]:
    names = f"versions {earlier.version} and {later.version} of {later.policy_id}"
    if later.version <= earlier.version:
        yield _finding(
            file,
            f"{names} begin on {earlier.effective_from} and {later.effective_from}; numbers rise with days",
            "give the later text the higher number",
            "version",
            str(later.version),
        )
    if later.effective_from == earlier.effective_from:
        yield _finding(
            file,
            f"{names} begin on the same day",
            "let one begin on another day, or drop it",
            "effective_from",
            str(later.effective_from),
        )
    elif earlier.effective_to is not None and earlier.effective_to < date.max:
        yield from _seam(names, earlier.effective_to + timedelta(days=1), later.effective_from, file)


def _seam(names: str, free: date, begins: date, file: str) -> Iterator[Finding]:
    if begins < free:
        yield _finding(
            file,
            f"{names} both decide from {begins} to {free - timedelta(days=1)}",
            f"begin on {free}, or end the earlier one sooner",
            "effective_from",
            str(begins),
        )
    elif begins > free:
        yield _finding(
            file,
            f"between {names} no version decides from {free} to {begins - timedelta(days=1)}",
            f"begin on {free}, or end the earlier one later",
            "effective_from",
            str(begins),
        )


def _finding(file: str, problem: str, remedy: str, cell: str, value: str) -> Finding:
    return Finding(file, Kind.DATES, problem, remedy, rule=cell, value=value)
