"""The catalogue of controls: a YAML file each in ``include/controls``, its test in ``include/sql/controls``.

Loading proves it: every field there and of its form, nothing unknown, a statement for each control and a
control for each statement, nothing described that the statement never finds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from backoffice import settings
from backoffice.exceptions import ConfigurationError

KINDS = ("preventive", "detective")
_TEXTS = ("id", "name", "risk", "owner", "kind", "frequency", "assertion", "population", "dated_by", "test")
_NOT_CONTROLS = {"summary"}
_FOUND = re.compile(r"'([a-z][a-z0-9_]+)'")


@dataclass(frozen=True)
class Control:
    """One control. ``exceptions`` and ``notices`` say what each finding of the test means."""

    id: str
    name: str
    risk: str
    owner: str
    kind: str
    frequency: str
    assertion: str
    population: str
    dated_by: str
    test: str
    exceptions: dict[str, str]
    notices: dict[str, str]
    evidence: tuple[str, ...]
    statement: str

    @property
    def sql_file(self) -> str:
        """Where the test is, from the root of the repository."""
        return f"include/sql/controls/{self.id}.sql"


def load_catalogue(folder: Path | None = None) -> tuple[Control, ...]:
    """Return all controls in order of their files' names.

    :param folder: The ``include`` folder. Default: the product's.
    :raises ConfigurationError: The catalogue is not whole; the message names file and field.
    """
    root = folder or settings.include_dir()
    files = sorted((root / "controls").glob("*.yaml"))
    if not files:
        raise ConfigurationError(f"{root / 'controls'} holds no control")
    found = tuple(_load(path, root) for path in files)
    statements = {path.stem for path in (root / "sql" / "controls").glob("*.sql")} - _NOT_CONTROLS
    if left_over := statements - {control.id for control in found}:
        raise ConfigurationError(
            f"{root / 'sql' / 'controls'}: no control has the statement {', '.join(sorted(left_over))}; "
            f"describe it in {root / 'controls'}"
        )
    return tuple(sorted(found, key=lambda control: files.index(root / "controls" / f"{control.id}.yaml")))


def _load(path: Path, root: Path) -> Control:
    try:
        content = yaml.load(path.read_bytes(), Loader=_Strict)  # noqa: S506 - a safe loader that refuses repeated keys
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: is no YAML: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: a mapping of fields is expected")
    names = {field.name for field in fields(Control)} - {"statement"}
    wrong = (names - {"notices"} - content.keys()) | (content.keys() - names)
    if wrong:
        raise ConfigurationError(
            f"{path}: missing or unknown: {', '.join(sorted(wrong))}; known are {', '.join(sorted(names))}"
        )
    texts = {name: _text(path, name, content[name]) for name in _TEXTS}
    if texts["id"] != path.stem:
        raise ConfigurationError(f"{path}: id is {texts['id']!r}; it must be the file's name")
    if texts["kind"] not in KINDS:
        raise ConfigurationError(f"{path}: kind is {texts['kind']!r}; possible are {', '.join(KINDS)}")
    control = Control(
        **texts,
        exceptions=_sentences(path, "exceptions", content["exceptions"]),
        notices=_sentences(path, "notices", content.get("notices") or {}),
        evidence=_list(path, "evidence", content["evidence"]),
        statement=_statement(path, root, path.stem),
    )
    _compare(path, control)
    return control


def _text(path: Path, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{path}: {name} must be a text, not {value!r}")
    return " ".join(value.split())


def _sentences(path: Path, name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or (name == "exceptions" and not value):
        raise ConfigurationError(f"{path}: {name} must say for each finding what it means")
    for key in value:
        if not isinstance(key, str) or not re.fullmatch("[a-z][a-z0-9_]*", key):
            raise ConfigurationError(
                f"{path}: {name} has the key {key!r}; a name in small letters is expected"
            )
    return {key: _text(path, f"{name}.{key}", sentence) for key, sentence in value.items()}


def _list(path: Path, name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ConfigurationError(f"{path}: {name} must be a list of texts")
    return tuple(_text(path, name, one) for one in value)


def _statement(path: Path, root: Path, name: str) -> str:
    file = root / "sql" / "controls" / f"{name}.sql"
    if not file.is_file():
        raise ConfigurationError(f"{path}: its test {file} is missing")
    return settings.expand(file.read_text(encoding="utf-8"), root)


def _compare(path: Path, control: Control) -> None:
    """Everything that is described must be something that the statement can say."""
    said = set(_FOUND.findall(control.statement))
    described = {*control.exceptions, *control.notices}
    if unsaid := described - said - _composed(control.statement):
        raise ConfigurationError(
            f"{path}: {', '.join(sorted(unsaid))} described, but {control.sql_file} never finds it"
        )


def _composed(statement: str) -> set[str]:
    """Return names that the statement makes of words: a conflict's name, a hold code in small letters."""
    words = re.findall(r"'([A-Za-z][A-Za-z_, ]+)'", statement)
    return {word.replace(",", "").replace(" ", "_").lower() for word in words}


class _Strict(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping."""


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str) or key in found:
            raise yaml.YAMLError(f"key {key!r} stands there twice or is no text{key_node.start_mark}")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
