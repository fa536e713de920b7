"""A suite that could not be judged, acted on or shown is refused whole, with every mistake named."""

from __future__ import annotations

import copy
import json

import pytest

from backoffice.domain.expectation_suite import SuiteError, parse_suite

CONDITIONS = {
    "currency_unknown.sql": "-- Rows in a currency that nobody knows.\ncurrency <> ALL (%(currencies)s)\n",
    "name_missing.sql": "-- Rows without a name.\nname IS NULL\n",
}
REFERENCE = {
    "currencies.csv": [{"code": "EUR", "kind": "currency"}, {"code": "XXX", "kind": "special"}],
    "empty.csv": [],
}
SUITE = {
    "name": "suppliers",
    "meta": {
        "purpose": "Suppliers.",
        "parameters": {
            "currencies": {"file": "currencies.csv", "column": "code", "where": {"kind": "currency"}}
        },
    },
    "expectations": [
        {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "currency", "value_set": {"$PARAMETER": "currencies"}},
            "meta": {
                "check_id": "currency_unknown",
                "severity": "quarantine",
                "reason": "Nobody knows this currency.",
                "field": "currency",
                "condition": "currency_unknown.sql",
            },
        },
        {
            "type": "unexpected_rows_expectation",
            "kwargs": {},
            "meta": {
                "check_id": "name_missing",
                "severity": "stop",
                "reason": "No name.",
                "field": "name",
                "condition": "name_missing.sql",
            },
        },
        {
            "type": "expect_table_row_count_to_be_between",
            "kwargs": {"max_value": 10},
            "meta": {"check_id": "too_many_rows", "severity": "warn", "reason": "Too many."},
        },
    ],
}


def parse(document, conditions=CONDITIONS):
    def condition_text(name):
        if name not in conditions:
            raise FileNotFoundError(name)
        return conditions[name]

    def reference_rows(name):
        if name not in REFERENCE:
            raise FileNotFoundError(name)
        return REFERENCE[name]

    text = document if isinstance(document, str) else json.dumps(document)
    return parse_suite("suppliers", text, condition_text=condition_text, reference_rows=reference_rows)


def changed(change):
    """Return the suite with one thing made wrong."""
    document = copy.deepcopy(SUITE)
    change(document, document["expectations"][0])
    return document


def test_reads_checks_conditions_and_lists():
    suite = parse(SUITE)
    currency, name, rows = suite.checks
    assert suite.parameters == {"currencies": ("EUR",)}
    assert (currency.condition, currency.severity, currency.field, currency.by_row) == (
        "currency <> ALL (%(currencies)s)",
        "quarantine",
        "currency",
        True,
    )
    assert (name.condition, name.severity) == ("name IS NULL", "stop")
    assert (rows.condition, rows.by_row) == (None, False)


def test_hash_covers_suite_conditions_and_lists(monkeypatch):
    """What decided can be told from its hash: any of the three changes it."""
    first = parse(SUITE).sha256
    assert parse(SUITE).sha256 == first
    other_condition = {**CONDITIONS, "name_missing.sql": "name = ''"}
    assert parse(SUITE, other_condition).sha256 != first
    monkeypatch.setitem(REFERENCE, "currencies.csv", [{"code": "USD", "kind": "currency"}])
    assert parse(SUITE).sha256 != first


MISTAKES = {
    "no JSON": ("{", "it is no JSON"),
    "other name": (lambda d, e: d.update(name="orders"), 'with "name": "suppliers"'),
    "no expectations": (lambda d, e: d["expectations"].clear(), "it has no expectations"),
    "same id twice": (lambda d, e: e["meta"].update(check_id="name_missing"), "'name_missing' is used twice"),
    "unlisted expectation": (
        lambda d, e: e.update(type="expect_column_max_to_be_between"),
        "without showing values",
    ),
    "share of bad rows let through": (
        lambda d, e: e["kwargs"].update(mostly=0.9),
        "mostly lets bad rows through",
    ),
    "no condition": (lambda d, e: e["meta"].pop("condition"), "condition must name a .sql file"),
    "condition elsewhere": (
        lambda d, e: e["meta"].update(condition="../x.sql"),
        "condition must name a .sql file",
    ),
    "condition missing": (lambda d, e: e["meta"].update(condition="x.sql"), "FileNotFoundError"),
    "unknown severity": (lambda d, e: e["meta"].update(severity="fail"), "severity must be one of"),
    "whole load cannot be set aside": (
        lambda d, e: d["expectations"][2]["meta"].update(severity="quarantine"),
        "severity must be one of stop, warn",
    ),
    "no reason": (lambda d, e: e["meta"].update(reason=" "), "reason must be a sentence"),
    "no field": (lambda d, e: e["meta"].pop("field"), "field must name the column"),
    "field beside defects": (lambda d, e: e["meta"].update(finding="defects"), "field must name the column"),
    "unknown word": (lambda d, e: e["meta"].update(severty="stop"), "meta has severty"),
    "unknown parameter": (
        lambda d, e: e["kwargs"].update(value_set={"$PARAMETER": "x"}),
        "does not declare",
    ),
    "list missing": (
        lambda d, e: d["meta"]["parameters"]["currencies"].update(file="x.csv"),
        "parameter 'currencies'",
    ),
    "list empty": (
        lambda d, e: d["meta"]["parameters"]["currencies"].update(file="empty.csv"),
        "the list is empty",
    ),
    "column missing": (lambda d, e: d["meta"]["parameters"]["currencies"].update(column="x"), "KeyError"),
    "query of its own": (
        lambda d, e: d["expectations"][1]["kwargs"].update(unexpected_rows_query="SELECT 1"),
        "it takes no kwargs",
    ),
    "more than three parts": (lambda d, e: e.update(id="x"), "exactly type, kwargs and meta"),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_mistake_is_named(mistake):
    change, message = MISTAKES[mistake]
    with pytest.raises(SuiteError) as refusal:
        parse(change if isinstance(change, str) else changed(change))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "-- only a comment",
        "true; DELETE FROM intake.finding",
        "true -- hidden",
        "true /* hidden */",
        "name LIKE 'A%'",
        "name = %(unknown)s",
        "name ~ '[[:space:]]'",
        "name = :name",
    ],
)
def test_condition_that_cannot_stand_in_another_statement(condition):
    with pytest.raises(SuiteError, match=r"condition name_missing\.sql"):
        parse(SUITE, {**CONDITIONS, "name_missing.sql": condition})


def test_casts_and_character_classes_where_they_do_no_harm():
    """A cast is no bound parameter; a character class is none outside Great Expectations' own query."""
    parse(SUITE, {**CONDITIONS, "name_missing.sql": "name::text = 'a{2}'"})
    parse(SUITE, {**CONDITIONS, "currency_unknown.sql": "currency !~ '[[:alpha:]]{3}'"})


def test_all_mistakes_are_named_at_once():
    def spoil(document, entry):
        entry["meta"].update(severity="x", reason="")
        document["expectations"][2]["meta"].update(check_id="X")

    with pytest.raises(SuiteError) as refusal:
        parse(changed(spoil))
    assert len(refusal.value.mistakes) == 3
