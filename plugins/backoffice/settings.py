"""The only reader of ``[backoffice]`` options and of the ``include/`` folder.

Every option is read when it is used, not at import, so that a changed environment is seen by the next task.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

from backoffice.exceptions import ConfigurationError

SECTION = "backoffice"
LEDGER_CONN_ID = "backoffice_ledger"
_INCLUDE = re.compile(r"\{\{ include: ([a-z_/]+) \}\}")


def option(name: str, default: str | None = None) -> str | None:
    """Return ``[backoffice] name``: the environment first, then ``airflow.cfg``, then ``default``."""
    from airflow.sdk.configuration import conf  # only where Airflow runs: the CLI must start without it

    value = os.environ.get(f"AIRFLOW__{SECTION.upper()}__{name.upper()}")
    if value is None:
        value = conf.get(SECTION, name, fallback=default)
    return value


def include_dir() -> Path:
    """Return the folder of SQL, policies, expectations and reference data, resolved now.

    ``[backoffice] include_dir`` wins, then the nearest ``include/`` above this package, then the copy in the
    wheel.

    :raises ConfigurationError: None of the three is a folder.
    """
    configured = os.environ.get("AIRFLOW__BACKOFFICE__INCLUDE_DIR") or _configured_include_dir()
    if configured:
        path = Path(configured)
        if not path.is_dir():
            raise ConfigurationError(
                f"[backoffice] include_dir is {configured!r}, which is no folder; correct or remove it"
            )
        return path
    package = Path(__file__).resolve().parent
    for parent in package.parents:
        candidate = parent / "include"
        if (candidate / "sql").is_dir():
            return candidate
    bundled = package / "_include"
    if bundled.is_dir():
        return bundled
    raise ConfigurationError(
        f"no include/ folder above {package} and none in the wheel; set [backoffice] include_dir"
    )


@cache
def _configured_include_dir() -> str | None:
    """Read the option from airflow.cfg once; without an Airflow configuration there is none."""
    try:
        return option("include_dir")
    except ImportError:
        return None


def sql(name: str) -> str:
    """Return the text of ``include/sql/<name>.sql``."""
    return _read_sql(include_dir(), name)


def _read_sql(include: Path, name: str) -> str:
    path = include / "sql" / f"{name}.sql"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{path} is missing; the Dag or operator names a statement that is not shipped"
        ) from error


def statement(name: str) -> str:
    """Return ``sql(name)`` with what it takes in."""
    return expand(sql(name))


def expand(text: str, include: Path | None = None) -> str:
    """Put in what a statement takes in: ``{{ include: name }}`` stands for ``sql/<name>.sql``."""

    def take_in(found: re.Match[str]) -> str:
        taken = sql(found[1]) if include is None else _read_sql(include, found[1])
        return expand(taken, include).rstrip()

    return _INCLUDE.sub(take_in, text)


def sandbox() -> bool:
    """Return whether the sources are the sandbox company (``[backoffice] sandbox``); reports say so."""
    return (option("sandbox", "false") or "").lower() in {"true", "1", "yes"}


def test_cases() -> int:
    """Return how many test cases may wait among the others (``[backoffice] test_cases``); 0: none is made.

    :raises ConfigurationError: The option is no number from 0 to 1000.
    """
    given = (option("test_cases", "0") or "0").strip()
    if not given.isdigit() or int(given) > 1000:
        raise ConfigurationError(f"[backoffice] test_cases is {given!r}; it is a number from 0 to 1000")
    return int(given)


def web_dsn() -> str:
    """Return the DSN of the plugin's own database log-in (role ``backoffice_web``).

    Read from the API server's environment alone: ``[backoffice] web_dsn``, ``web_dsn_cmd`` (its standard
    output) or
    ``web_dsn_secret`` (a file). It is deliberately no Airflow connection, because any task can read those.

    :raises ConfigurationError: None of the three is set.
    """
    direct = os.environ.get("AIRFLOW__BACKOFFICE__WEB_DSN")
    if direct:
        return direct
    command = os.environ.get("AIRFLOW__BACKOFFICE__WEB_DSN_CMD")
    if command:
        arguments = shlex.split(command)
        shown = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=30)  # noqa: S603 - the operator's own command
        return shown.stdout.strip()
    secret = os.environ.get("AIRFLOW__BACKOFFICE__WEB_DSN_SECRET")
    if secret:
        return Path(secret).read_text(encoding="utf-8").strip()
    raise ConfigurationError(
        "the review pages have no ledger log-in; "
        "set AIRFLOW__BACKOFFICE__WEB_DSN, _CMD or _SECRET for the API server only"
    )
