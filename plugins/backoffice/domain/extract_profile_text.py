"""Read a profile from its YAML text, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from backoffice.domain import extract_field
from backoffice.domain.extract_field import FieldSource, Signs
from backoffice.domain.extract_profile import (
    DATASETS,
    Condition,
    ExtractProfile,
    Join,
    NotUsedRows,
    ProfileError,
    Records,
    Table,
    text_hash,
)
from backoffice.domain.extract_record import EXTRACT_LINE, EXTRACT_SPECS

_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}\Z")
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}\Z")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}\Z")
_TOP = (
    "profile",
    "version",
    "title",
    "explanation",
    "time_zone",
    "duplicates_evaluable",
    "tables",
    "records",
)
_RECORDS = ("rows", "where", "join", "occurrence", "signs", "fields")


def read_profile(text: str) -> ExtractProfile:
    """Return the profile in ``text``.

    :raises ProfileError: It is not what a profile must be; the message says where.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ProfileError(f"not readable as YAML: {error}") from error
    top = _mapping("profile", content, required=_TOP, optional=("not_used_files", "not_used_rows"))
    try:
        zone = ZoneInfo(_text("time_zone", top["time_zone"]))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ProfileError(f"time_zone {top['time_zone']!r} is not known") from error
    tables = {name: _table(name, part) for name, part in _mapping("tables", top["tables"]).items()}
    reader = _RecordReader(tables, zone)
    if not isinstance(top["version"], int):
        raise ProfileError("version is no whole number")
    return ExtractProfile(
        name=_text("profile", top["profile"]),
        version=top["version"],
        title=_text("title", top["title"]),
        text_sha256=text_hash(text),
        time_zone=zone,
        duplicates_evaluable=top["duplicates_evaluable"] is True,
        tables=tables,
        records=tuple(
            reader.records(f"records[{n}]", part) for n, part in enumerate(_list("records", top["records"]))
        ),
        not_used_files={
            _file("not_used_files", name): _text(name, reason)
            for name, reason in _mapping("not_used_files", top.get("not_used_files") or {}).items()
        },
        not_used_rows=tuple(
            reader.not_used(f"not_used_rows[{n}]", part)
            for n, part in enumerate(_list("not_used_rows", top.get("not_used_rows") or []))
        ),
    )


def _table(name: str, part: object) -> Table:
    where = f"tables.{name}"
    if not _NAME.match(name) or name == "header":
        raise ProfileError(
            f"{where}: a table's name is 1 to 20 lower case letters, digits and _, and not header"
        )
    fields = _mapping(where, part, required=("file", "columns", "left_over"), optional=("key",))
    columns = _columns(f"{where}.columns", fields["columns"])
    key = _columns(f"{where}.key", fields.get("key") or [])
    if not set(key) <= set(columns):
        raise ProfileError(f"{where}.key names columns that are not read: {sorted(set(key) - set(columns))}")
    if fields["left_over"] not in DATASETS:
        raise ProfileError(f"{where}.left_over must be one of {', '.join(DATASETS)}")
    return Table(name, _file(f"{where}.file", fields["file"]), columns, key, fields["left_over"])


class _RecordReader:
    """Reads the records of a profile against its tables."""

    def __init__(self, tables: Mapping[str, Table], zone: ZoneInfo) -> None:
        self._tables = tables
        self._zone = zone

    def records(self, where: str, part: object) -> Records:
        """One entry of ``records``."""
        given = _mapping(
            where, part, required=("dataset", "rows", "fields"), optional=(*_RECORDS, "control", "lines")
        )
        dataset = given["dataset"]
        if dataset not in DATASETS:
            raise ProfileError(f"{where}.dataset must be one of {', '.join(DATASETS)}")
        if (dataset == "invoices") != ("lines" in given):
            raise ProfileError(f"{where}: invoices and only invoices have lines")
        spec_fields = EXTRACT_SPECS[dataset].fields
        control = given.get("control")
        if control is not None and control not in spec_fields:
            raise ProfileError(f"{where}.control {control!r} is no field of {dataset}")
        base = self._base(where, given, dataset, tuple(spec_fields))
        lines = self._lines(f"{where}.lines", given["lines"], base) if "lines" in given else None
        return Records(**base, control=control, lines=lines)

    def _lines(self, where: str, part: object, header: Mapping[str, Any]) -> Records:
        given = _mapping(where, part, required=("rows", "of", "fields"), optional=_RECORDS)
        base = self._base(where, given, "invoices", tuple(EXTRACT_LINE.fields))
        of = _mapping(f"{where}.of", given["of"])
        for own, theirs in of.items():
            self._known(f"{where}.of", f"{base['rows']}.{own}")
            self._known(f"{where}.of", f"{header['rows']}.{theirs}")
        if set(of.values()) != set(self._tables[header["rows"]].key):
            raise ProfileError(f"{where}.of must name the key of {header['rows']}")
        return Records(**base, of=tuple(of.items()))

    def _base(
        self, where: str, given: Mapping[str, Any], dataset: str, allowed: tuple[str, ...]
    ) -> dict[str, Any]:
        rows = given["rows"]
        if rows not in self._tables:
            raise ProfileError(f"{where}.rows names no table: {rows!r}")
        joined = [rows]
        joins = []
        for number, entry in enumerate(_list(where, given.get("join") or [])):
            joins.append(self._join(f"{where}.join[{number}]", joined, entry))
            joined.append(joins[-1].table)
        signs = self._signs(f"{where}.signs", given.get("signs"), joined)
        counted = _columns(f"{where}.occurrence", given.get("occurrence") or [])
        for column in counted:
            self._known(f"{where}.occurrence", f"{rows}.{column}")
        fields = {}
        for name, source in _mapping(f"{where}.fields", given["fields"]).items():
            if name not in allowed:
                raise ProfileError(f"{where}.fields: {name!r} is no field of {dataset}")
            fields[name] = self._field(f"{where}.fields.{name}", source, signs, bool(counted))
            for column in fields[name].columns:
                self._known(f"{where}.fields.{name}", column, joined)
        conditions = self._conditions(f"{where}.where", rows, given.get("where") or {})
        return {
            "dataset": dataset,
            "rows": rows,
            "where": conditions,
            "joins": tuple(joins),
            "occurrence": counted,
            "fields": fields,
        }

    def not_used(self, where: str, part: object) -> NotUsedRows:
        """One entry of ``not_used_rows``."""
        given = _mapping(where, part, required=("table", "where", "reason"))
        if given["table"] not in self._tables:
            raise ProfileError(f"{where}.table names no table: {given['table']!r}")
        conditions = self._conditions(f"{where}.where", given["table"], given["where"])
        return NotUsedRows(given["table"], conditions, _text(f"{where}.reason", given["reason"]))

    def _conditions(self, where: str, table: str, part: object) -> tuple[Condition, ...]:
        conditions = []
        for column, wanted in _mapping(where, part).items():
            self._known(where, f"{table}.{column}")
            negated = isinstance(wanted, dict)
            values = _mapping(where, wanted, required=("not",))["not"] if negated else wanted
            listed = tuple(
                _text(f"{where}.{column}", value, empty=True) for value in _list(f"{where}.{column}", values)
            )
            conditions.append(Condition(column, listed, negated))
        return tuple(conditions)

    def _join(self, where: str, joined: list[str], part: object) -> Join:
        given = _mapping(where, part, required=("table", "match", "rows"), optional=("required",))
        table = self._tables.get(given["table"])
        if table is None:
            raise ProfileError(f"{where}.table names no table: {given['table']!r}")
        if table.name in joined:
            raise ProfileError(f"{where}: {table.name} is joined twice")
        on = _mapping(f"{where}.match", given["match"])
        for own, theirs in on.items():
            self._known(f"{where}.match", f"{table.name}.{own}")
            self._known(f"{where}.match", theirs, joined)
        if given["rows"] not in ("one", "pair", "first"):
            raise ProfileError(f"{where}.rows must be one, pair or first")
        if given["rows"] == "one" and set(on) != set(table.key):
            raise ProfileError(f"{where}: a shared row is found by the key of {table.name}")
        if given["rows"] == "pair" and {theirs.split(".")[0] for theirs in on.values()} != {joined[0]}:
            raise ProfileError(f"{where}: rows are paired with rows of {joined[0]}")
        return Join(table.name, tuple(on.items()), given["rows"], given.get("required", True) is True)

    def _signs(self, where: str, part: object, joined: list[str]) -> Signs | None:
        if part is None:
            return None
        given = _mapping(where, part, required=("column", "plus", "minus"))
        self._known(where, given["column"], joined)
        plus, minus = (
            frozenset(_text(where, code) for code in _list(where, given[side])) for side in ("plus", "minus")
        )
        if plus & minus:
            raise ProfileError(f"{where}: {sorted(plus & minus)} cannot both add and take away")
        return Signs(given["column"], plus, minus)

    def _field(self, where: str, part: object, signs: Signs | None, counted: bool) -> FieldSource:
        if isinstance(part, str):
            return extract_field.column(part)
        given = _mapping(where, part)
        signed = given.pop("signed", None)
        if signed is not None and (signed is not True or signs is None):
            raise ProfileError(f"{where}: signed needs true and the record's signs")
        turned = signs if signed else None
        match sorted(given):
            case ["column"]:
                return extract_field.column(_text(where, given["column"]), turned)
            case ["value"] if isinstance(given["value"], str | bool):
                return extract_field.constant(given["value"], turned)
            case ["column", "equals"] if not signed:
                return extract_field.equals(
                    _text(where, given["column"]), _text(where, given["equals"], empty=True)
                )
            case ["text"] if not signed:
                return extract_field.composed(_text(where, given["text"]))
            case ["day"] if not signed:
                return extract_field.sap_day(_text(where, given["day"]))
            case ["day", "time"] if not signed:
                return extract_field.sap_moment(
                    _text(where, given["day"]), _text(where, given["time"]), self._zone
                )
            case ["occurrence"] if counted and given["occurrence"] is True and not signed:
                return extract_field.occurrence()
        raise ProfileError(
            f"{where}: {part!r} is no way to make a field (numbers are written as text, in quotes)"
        )

    def _known(self, where: str, path: object, joined: list[str] | None = None) -> None:
        table, _, column = str(path).partition(".")
        if table not in self._tables or column not in self._tables[table].columns:
            raise ProfileError(f"{where}: {path!r} is no column that is read")
        if joined is not None and table not in joined:
            raise ProfileError(f"{where}: {path!r} is of a table that is not joined here")


def _mapping(
    where: str, part: object, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    if not isinstance(part, dict) or not all(isinstance(key, str) for key in part):
        raise ProfileError(f"{where} is no mapping of names")
    missing = [name for name in required if name not in part]
    unknown = sorted(set(part) - {*required, *optional}) if required or optional else []
    if missing or unknown:
        raise ProfileError(f"{where}: missing {missing}, unknown {unknown}")
    return dict(part)


def _list(where: str, part: object) -> list[Any]:
    if not isinstance(part, list):
        raise ProfileError(f"{where} is no list")
    return part


def _text(where: str, part: object, *, empty: bool = False) -> str:
    if not isinstance(part, str) or not (part or empty):
        raise ProfileError(f"{where}: {part!r} is no text (codes are written in quotes)")
    return part


def _columns(where: str, part: object) -> tuple[str, ...]:
    names = tuple(_text(where, name) for name in _list(where, part))
    if any(not _COLUMN.match(name) for name in names) or len(set(names)) != len(names):
        raise ProfileError(f"{where}: {list(names)} are no different column names")
    return names


def _file(where: str, part: object) -> str:
    name = _text(where, part)
    if not _FILE.match(name):
        raise ProfileError(f"{where}: {name!r} is no file name")
    return name
