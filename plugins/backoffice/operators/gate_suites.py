"""Expectation suites from ``include/``: the suite, its conditions and its reference lists."""

from __future__ import annotations

import csv

from backoffice import settings
from backoffice.domain.expectation_suite import Suite, SuiteError, parse_suite
from backoffice.exceptions import ConfigurationError


def read_suite(name: str) -> Suite:
    """Return the suite ``include/expectations/<name>.json``.

    :raises ConfigurationError: The file is missing, or the suite has mistakes; the message names each.
    """
    include = settings.include_dir()
    path = include / "expectations" / f"{name}.json"

    def condition_text(file: str) -> str:
        return (include / "sql" / "checks" / file).read_text(encoding="utf-8")

    def reference_rows(file: str) -> list[dict[str, str]]:
        with (include / "reference" / file).open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path} is missing; the gate names a suite that is not shipped") from error
    try:
        return parse_suite(name, text, condition_text=condition_text, reference_rows=reference_rows)
    except SuiteError as error:
        raise ConfigurationError(str(error)) from error
