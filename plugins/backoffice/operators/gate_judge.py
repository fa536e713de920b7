"""Great Expectations at work: it judges the views of one load inside Postgres and counts, and sees nothing
else.

Great Expectations is imported when a gate runs, never when a Dag is parsed. It gets no place on disk, sends
no usage data, prints no progress, and its results carry counts alone: no value out of a row leaves the
database through it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import Error, OperationalError
from psycopg.conninfo import conninfo_to_dict

from backoffice.domain.expectation_suite import Check, Suite
from backoffice.domain.gate_outcome import Judged
from backoffice.exceptions import ConfigurationError, TransientError

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.datasource.fluent.postgres_datasource import PostgresDatasource

# SUMMARY without its samples: not one of the values that failed is even read from the database.
RESULT_FORMAT = {
    "result_format": "SUMMARY",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "include_unexpected_rows": False,
}
_PAGE_WORDS = {"stop": "Stops the load if", "quarantine": "Sets a row aside if", "warn": "Warns if"}
_GX_SEVERITY = {"stop": "critical", "quarantine": "warning", "warn": "info"}


@dataclass(frozen=True)
class Judgement:
    """What Great Expectations says about one suite.

    Its verdicts by check, its own result for the page, errors by name.
    """

    suite: Suite
    checks: Mapping[str, Judged]
    result: ExpectationSuiteValidationResult
    errors: tuple[str, ...] = ()


@dataclass
class LoadJudge:
    """Great Expectations on the views of one load. Made by :func:`judge_of_load`."""

    datasource: PostgresDatasource
    errors: list[BaseException] = field(default_factory=list)

    def judge(self, suite: Suite) -> Judgement:
        """Judge ``intake.gate_<suite>`` and return a verdict per check.

        :raises ConfigurationError: Great Expectations does not take the suite.
        :raises TransientError: The database went away or refused for a passing reason; a retry may help.
        """
        from great_expectations import ExpectationSuite
        from great_expectations.compatibility.pydantic import ValidationError
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        view = f"gate_{suite.name}"
        configured = (ExpectationConfiguration(**expectation_config(check)) for check in suite.checks)
        try:
            expectations = [each.to_domain_obj() for each in configured]
        except ValidationError as error:
            raise ConfigurationError(
                f"expectation suite {suite.name!r}: Great Expectations does not take it: {error}"
            ) from error
        try:
            batch = (
                self.datasource.add_table_asset(view, table_name=view)
                .add_batch_definition_whole_table("this load")
                .get_batch()
            )
            result = batch.validate(
                ExpectationSuite(name=suite.name, expectations=expectations),
                result_format=RESULT_FORMAT,
                expectation_parameters={name: list(values) for name, values in suite.parameters.items()},
            )
        except Exception:
            self._raise_passing_error(view)
            raise
        if any(_raised(each) for each in result.results):
            self._raise_passing_error(view)
        for each in result.results:
            _forget_messages(each)
        return Judgement(
            suite=suite,
            checks=dict(_judged(each) for each in result.results),
            result=result,
            errors=tuple(sorted({_named(error) for error in self.errors})),
        )

    def _raise_passing_error(self, view: str) -> None:
        """Raise if the database reported what a retry may cure: a lost connection, a time-out, a conflict."""
        for error in self.errors:
            if isinstance(error, OperationalError):
                raise TransientError(
                    f"the ledger database broke off while intake.{view} was judged ({_named(error)}); "
                    "nothing was recorded"
                ) from error


def expectation_config(check: Check) -> dict[str, Any]:
    """Return the expectation as Great Expectations takes it.

    Its page then says the reason, not the mechanics.
    """
    kwargs = dict(check.kwargs)
    if check.expectation == "unexpected_rows_expectation":
        condition = (check.condition or "").replace("{", "{{").replace("}", "}}")
        kwargs["unexpected_rows_query"] = (
            f"SELECT this_row.row_no FROM (SELECT * FROM {{batch}}) AS this_row WHERE ({condition}\n)"
        )
    return {
        "type": check.expectation,
        "kwargs": kwargs,
        "description": f"{_PAGE_WORDS[check.severity]}: {check.reason} ({check.check_id})",
        "severity": _GX_SEVERITY[check.severity],
        "meta": {"check_id": check.check_id},
    }


def load_great_expectations() -> None:
    """Import Great Expectations, which takes seconds: better done before a transaction waits for it."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with _quiet():
        import great_expectations  # noqa: F401 - loaded for what follows


@contextmanager
def judge_of_load(dsn: str, snapshot: str) -> Iterator[LoadJudge]:
    """Yield a judge whose every query sees one load, at one moment, and can change nothing.

    :param dsn: Connection string whose session options name the load (``backoffice.load_id``).
    :param snapshot: Exported snapshot of the transaction that records the findings: both count the same rows,
        even if another run accepts documents meanwhile.
    """
    load_great_expectations()
    with _quiet():
        import great_expectations as gx
        import sqlalchemy as sa
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                store_backend_defaults=InMemoryStoreBackendDefaults(),
                progress_bars=ProgressBarsConfig(globally=False),
                analytics_enabled=False,
            ),
        )
        # The URL only chooses the driver. The real parameters go to it as they are: in a URL, Great
        # Expectations would take a dollar sign in a password for a placeholder of its own.
        datasource = context.data_sources.add_postgres(
            "ledger",
            connection_string="postgresql+psycopg://ledger@ledger/ledger",
            kwargs={"connect_args": conninfo_to_dict(dsn)},  # type: ignore[call-arg] # missing in its stub only
        )
        judge = LoadJudge(datasource)
        engines = (datasource.get_execution_engine().engine, datasource.get_engine())
        for engine in engines:
            sa.event.listen(engine, "begin", _see_only(snapshot))
            sa.event.listen(
                engine, "handle_error", lambda failure: judge.errors.append(failure.original_exception)
            )
        try:
            yield judge
        finally:
            for engine in engines:
                engine.dispose()


def _see_only(snapshot: str) -> Any:
    """Return what every transaction of Great Expectations does first: take the given snapshot, read only."""

    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")

    return on_begin


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Great Expectations' own log: its error messages quote statements and, at times, values."""
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _judged(result: Any) -> tuple[str, Judged]:
    """Reduce one result to its check, verdict and counts."""
    return result.expectation_config.meta["check_id"], _verdict(result)


def _verdict(result: Any) -> Judged:
    if _raised(result):
        return Judged(met=None)
    config, found = result.expectation_config, result.result
    if config.type == "unexpected_rows_expectation":
        return Judged(met=result.success, unexpected=found.get("observed_value"))
    if "unexpected_count" in found:
        # a sum over no rows is NULL in SQL, and Great Expectations passes that on
        nothing_to_count = found["unexpected_count"] is None and found.get("element_count") == 0
        return Judged(met=result.success, unexpected=0 if nothing_to_count else found["unexpected_count"])
    return Judged(met=result.success, observed=found.get("observed_value"))


def _raised(result: Any) -> bool:
    return any(info.get("raised_exception") for info in _exceptions(result))


def _exceptions(result: Any) -> list[dict[str, Any]]:
    """Return what was raised while one expectation was judged.

    One entry, or one for each metric that failed.
    """
    info = result.exception_info or {}
    return (
        [info] if "raised_exception" in info else [each for each in info.values() if isinstance(each, dict)]
    )


def _forget_messages(result: Any) -> None:
    """Drop texts of errors from a result: Postgres quotes the value that it could not take."""
    for info in _exceptions(result):
        if info.get("raised_exception"):
            info["exception_message"] = "The expectation could not be judged; the task's error says which."
            info["exception_traceback"] = ""


def _named(error: BaseException) -> str:
    """Return class and SQLSTATE of an error, without its text."""
    state = error.sqlstate if isinstance(error, Error) else None
    return type(error).__name__ + (f" {state}" if state else "")
