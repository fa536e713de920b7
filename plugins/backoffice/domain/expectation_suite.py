"""Expectation suites as data: what one says, and whether it may be used at all.

A suite is a JSON file in Great Expectations' own form (name, expectations with type, kwargs and meta). What
this product adds stands in ``meta``: what becomes of a row that does not meet the expectation, why that
matters, and the SQL condition that selects such rows. A suite with a mistake is refused whole, with every
mistake named.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

Severity = Literal["stop", "quarantine", "warn"]
FindingFrom = Literal["row", "defects"]

# Judged row by row: Great Expectations counts the rows that fail, and a condition of ours selects them.
ROW_EXPECTATIONS = frozenset(
    {
        "expect_column_values_to_be_null",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_not_match_regex",
        "expect_column_value_lengths_to_be_between",
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_compound_columns_to_be_unique",
        "unexpected_rows_expectation",
    }
)
# Judged on the load as a whole. Only such whose observed value is a count or a share: never a value out of a
# row.
LOAD_EXPECTATIONS = frozenset(
    {
        "expect_table_row_count_to_be_between",
        "expect_column_proportion_of_non_null_values_to_be_between",
        "expect_column_to_exist",
    }
)
_CHECK_ID = re.compile(r"[a-z][a-z0-9_]{2,62}")
_CONDITION_NAME = re.compile(r"[a-z][a-z0-9_]*\.sql")
_PLACEHOLDER = re.compile(r"%\(([a-z_]+)\)s")
# SQLAlchemy would read such a colon as the start of a bound parameter.
_BIND_LIKE = re.compile(r"(?<![:\w]):\w")
_ROW_META = {"check_id", "severity", "reason", "field", "condition", "finding"}
_LOAD_META = {"check_id", "severity", "reason"}


class SuiteError(ValueError):
    """A suite file has mistakes; the message names each of them."""

    def __init__(self, suite: str, mistakes: Sequence[str]) -> None:
        self.suite = suite
        self.mistakes = tuple(mistakes)
        super().__init__(f"expectation suite {suite!r} is refused: " + "; ".join(self.mistakes))


@dataclass(frozen=True)
class Check:
    """One expectation, and what follows where it is not met.

    ``condition`` is the SQL predicate of the rows that do not meet it, None where the load as a whole is
    judged. ``finding`` says where the words of a finding come from: the field of the row, or the row's own
    list of defects.
    """

    check_id: str
    expectation: str
    kwargs: Mapping[str, Any]
    severity: Severity
    reason: str
    field: str | None = None
    condition: str | None = None
    finding: FindingFrom = "row"

    @property
    def by_row(self) -> bool:
        """Whether single rows are judged, not the load as a whole."""
        return self.condition is not None


@dataclass(frozen=True)
class Suite:
    """The checks of one gate view. ``sha256`` covers the suite, its conditions and its reference lists."""

    name: str
    purpose: str
    checks: tuple[Check, ...]
    sha256: str
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def parse_suite(
    name: str,
    text: str,
    *,
    condition_text: Callable[[str], str],
    reference_rows: Callable[[str], Sequence[Mapping[str, str]]],
) -> Suite:
    """Read a suite and prove that it can be judged and acted on.

    :param name: Name of the suite; the gate view is ``intake.gate_<name>``.
    :param text: The JSON text.
    :param condition_text: Returns the text of a condition file by its name; raises OSError where it is
        missing.
    :param reference_rows: Returns the rows of a reference list by its file name; raises OSError where it is
        missing.
    :raises SuiteError: Anything in it is unknown, missing or contradictory.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise SuiteError(name, [f"it is no JSON: {error}"]) from error
    if (
        not isinstance(document, dict)
        or document.get("name") != name
        or not isinstance(document.get("expectations"), list)
    ):
        raise SuiteError(name, [f'it must be an object with "name": "{name}" and a list "expectations"'])
    mistakes: list[str] = []
    parameters = dict(_parameters(document.get("meta", {}), reference_rows, mistakes))
    checks = [
        check
        for position, entry in enumerate(document["expectations"])
        if (check := _check(position, entry, parameters, condition_text, mistakes)) is not None
    ]
    ids = [check.check_id for check in checks]
    mistakes += [
        f"check_id {check_id!r} is used twice" for check_id in sorted({i for i in ids if ids.count(i) > 1})
    ]
    if not ids:
        mistakes.append("it has no expectations")
    if mistakes:
        raise SuiteError(name, mistakes)
    return Suite(
        name,
        str(document.get("meta", {}).get("purpose", "")),
        tuple(checks),
        _digest(text, checks, parameters),
        parameters,
    )


def _parameters(
    meta: Mapping[str, Any], reference_rows: Callable[[str], Sequence[Mapping[str, str]]], mistakes: list[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Read the reference lists that the suite names, each reduced to the values of one column."""
    for name, source in meta.get("parameters", {}).items():
        try:
            rows = reference_rows(source["file"])
            wanted = source.get("where", {})
            values = tuple(
                row[source["column"]]
                for row in rows
                if all(row[key] == value for key, value in wanted.items())
            )
        except (KeyError, TypeError, OSError) as error:
            mistakes.append(f"parameter {name!r}: {type(error).__name__}: {error}")
            continue
        if not values:
            mistakes.append(f"parameter {name!r}: the list is empty")
        yield name, values


def _check(
    position: int,
    entry: Any,
    parameters: Mapping[str, tuple[str, ...]],
    condition_text: Callable[[str], str],
    mistakes: list[str],
) -> Check | None:
    """Return the check of one entry, or None with the mistakes noted."""
    if not isinstance(entry, dict) or set(entry) != {"type", "kwargs", "meta"}:
        mistakes.append(f"expectation {position}: it must have exactly type, kwargs and meta")
        return None
    expectation, kwargs, meta = entry["type"], entry["kwargs"], entry["meta"]
    label = f"check {meta.get('check_id', position)!r}"
    by_row = expectation in ROW_EXPECTATIONS
    found = list(_meta_mistakes(meta, by_row)) + list(_kwargs_mistakes(expectation, kwargs, parameters))
    condition = None
    if by_row and isinstance(meta.get("condition"), str):
        condition, complaints = _condition(meta["condition"], expectation, parameters, condition_text)
        found += complaints
    mistakes += [f"{label}: {text}" for text in found]
    if found:
        return None
    return Check(
        check_id=meta["check_id"],
        expectation=expectation,
        kwargs=kwargs,
        severity=meta["severity"],
        reason=meta["reason"],
        field=meta.get("field"),
        condition=condition,
        finding=meta.get("finding", "row"),
    )


def _meta_mistakes(meta: Mapping[str, Any], by_row: bool) -> Iterator[str]:
    """Say what is wrong with the part of an expectation that is ours."""
    unknown = set(meta) - (_ROW_META if by_row else _LOAD_META)
    if unknown:
        yield f"meta has {', '.join(sorted(unknown))}, which means nothing here"
    if not _CHECK_ID.fullmatch(str(meta.get("check_id", ""))):
        yield "check_id must be lower case letters, digits and underscores"
    allowed = get_args(Severity) if by_row else ("stop", "warn")
    if meta.get("severity") not in allowed:
        yield f"severity must be one of {', '.join(allowed)}"
    if not str(meta.get("reason", "")).strip() or "$" in str(meta.get("reason", "")):
        yield "reason must be a sentence without a dollar sign"
    if by_row:
        yield from _row_meta_mistakes(meta)


def _row_meta_mistakes(meta: Mapping[str, Any]) -> Iterator[str]:
    if not _CONDITION_NAME.fullmatch(str(meta.get("condition", ""))):
        yield "condition must name a .sql file: without it the rows could be counted but not set aside"
    if meta.get("finding", "row") not in get_args(FindingFrom):
        yield "finding must be row or defects"
    elif (meta.get("finding", "row") == "row") != isinstance(meta.get("field"), str):
        yield "field must name the column to look at; only a finding from the row's defects has none"


def _kwargs_mistakes(
    expectation: str, kwargs: Mapping[str, Any], parameters: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    """Say what is wrong with the part of an expectation that is Great Expectations' own."""
    if expectation not in ROW_EXPECTATIONS | LOAD_EXPECTATIONS:
        yield f"{expectation!r} is no expectation that a gate can act on without showing values"
    if "mostly" in kwargs:
        yield "mostly lets bad rows through; a share is a check of its own"
    if expectation == "unexpected_rows_expectation" and kwargs:
        yield "it takes no kwargs: its query is made from the condition"
    for name, value in kwargs.items():
        if isinstance(value, dict) and "$PARAMETER" in value and value["$PARAMETER"] not in parameters:
            yield f"{name} asks for the parameter {value['$PARAMETER']!r}, which the suite does not declare"


def _condition(
    name: str,
    expectation: str,
    parameters: Mapping[str, tuple[str, ...]],
    condition_text: Callable[[str], str],
) -> tuple[str | None, list[str]]:
    """Read a condition file without its comment lines, and check that it can stand in another statement."""
    try:
        text = condition_text(name)
    except OSError as error:
        return None, [f"condition {name}: {type(error).__name__}: {error}"]
    predicate = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).strip()
    wanted = set(_PLACEHOLDER.findall(predicate))
    complaints = []
    if not predicate or ";" in predicate or "--" in predicate or "/*" in predicate:
        complaints.append(f"condition {name} must be one predicate, with comments only on lines of their own")
    if "%" in _PLACEHOLDER.sub("", predicate) or not wanted <= set(parameters):
        complaints.append(f"condition {name} may use % only for %(name)s with a parameter of the suite")
    if expectation == "unexpected_rows_expectation" and (wanted or _BIND_LIKE.search(predicate)):
        complaints.append(f"condition {name} becomes Great Expectations' query: no parameters, no :name")
    return predicate, complaints


def _digest(text: str, checks: Sequence[Check], parameters: Mapping[str, tuple[str, ...]]) -> str:
    """Hash all that decides.

    The suite as written, the conditions as used, the values of the reference lists.
    """
    parts = [
        text,
        *(check.condition or "" for check in checks),
        json.dumps(cast(dict[str, Any], parameters), sort_keys=True),
    ]
    return hashlib.sha256("\x00".join(parts).encode("utf-8")).hexdigest()
