"""The ledger steps of a reconciliation night as operators, one class per task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backoffice.exceptions import ConfigurationError
from backoffice.operators import steps
from backoffice.operators.ingest_selection import read_selection
from backoffice.operators.ledger_run import open_ledger_run
from backoffice.operators.ledger_step import LedgerStepOperator
from backoffice.settings import test_cases

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from backoffice.operators.ledger_step import Connection


class OpenRunOperator(LedgerStepOperator):
    """Register the run with its parameters and the sources it expects.

    Reads the Dag run's parameters; writes the run and its first audit record. A tolerance profile is allowed
    in a dry run only, and a period must not end before it starts; otherwise the run is refused before it
    reads anything. Cleared or retried it finds the run that it registered.

    :param sources: Datasets that the run expects, each ``{"source": ..., "dataset": ...}``; while one is not
        accepted, what depends on it waits.
    :param synthetic: Whether the sources are the sandbox company, so that every report says so.
    :raises ConfigurationError: A tolerance profile without a dry run, or a period that is none.
    """

    skips_dry_run = False

    def __init__(
        self, *, sources: Sequence[Mapping[str, str]] = (), synthetic: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.sources = sources
        self.synthetic = synthetic

    def find_run(self, connection: Connection, context: Context) -> int:
        """Register the run; parameters count on the first call only."""
        parameters = dict(context.get("params") or {})
        if parameters.get("tolerance_profile") and not parameters.get("dry_run"):
            raise ConfigurationError(
                f"tolerance_profile {parameters['tolerance_profile']!r} without dry_run: "
                "what books uses the tolerances in force; "
                "start the run again with dry_run, or leave the profile empty"
            )
        read_selection(parameters)
        known = {**parameters, "sources": list(self.sources), "synthetic": self.synthetic}
        return open_ledger_run(connection, context, self.process, known)

    def step(self, connection: Connection, run_id: int, context: Context) -> dict[str, Any]:
        """Say which run it is."""
        return {"run_id": run_id}


class AcceptDocumentsOperator(LedgerStepOperator):
    """Accept the gated loads of this run: facts and quarantine, tied to the control totals.

    Reads staged rows and the gate's findings; writes orders, receipts, invoices, quarantined rows and the
    watermarks, in
    one transaction. A dataset whose reading or gate failed is left out: what depends on it waits for its
    source.
    Accepted loads are not accepted again, and what is known already is counted as such.

    :raises ControlTotalsError: received = accepted + quarantined + already known does not hold; nothing was
        accepted.
    """

    def step(self, connection: Connection, run_id: int, context: Context) -> dict[str, Any]:
        """Accept what is gated."""
        return steps.accept_loads(connection, run_id)


class MatchInvoicesOperator(LedgerStepOperator):
    """Match invoices with orders and receipts and raise or clear holds.

    Reads what new documents touch; writes holds and the state of each line. Books and decides nothing. Finds
    the queue
    empty when it runs twice.
    """

    def step(self, connection: Connection, run_id: int, context: Context) -> dict[str, Any]:
        """Match what is queued."""
        return steps.match_invoices(connection, run_id)


class PostEntriesOperator(LedgerStepOperator):
    """Book receipts and decided invoices and propose free ones for payment.

    The ledger checks every decision again and computes every amount from stored facts; this task names the
    run only.
    Each entry and proposal exists once, whatever is retried, cleared or run in parallel.
    """

    def step(self, connection: Connection, run_id: int, context: Context) -> dict[str, Any]:
        """Post what the decisions allow."""
        return steps.post_entries(connection, run_id)


class OpenCasesOperator(LedgerStepOperator):
    """Open a case per reviewed invoice and responsible role, and one per quarantined document.

    Reads holds, decisions and quarantine; writes cases with their hand-over. What the facts settled meanwhile
    is closed. With ``[backoffice] test_cases`` it also puts past cases whose answer is known among them, to
    see whether people look; how many is told to nobody.
    """

    def step(self, connection: Connection, run_id: int, context: Context) -> dict[str, Any]:
        """Open and refresh cases."""
        opened = steps.open_cases(connection, run_id)
        if most := test_cases():
            steps.seed_test_cases(connection, run_id, most)
        return opened


class ActOnAnswersOperator(LedgerStepOperator):
    """Book every answered and unbooked case of the process, whichever run opened it.

    Reads answers that the review pages recorded; releases or rejects, books, proposes. Each answer once,
    whoever comes
    first: a run or the housekeeping.
    """

    def step(self, connection: Connection, run_id: int, context: Context) -> dict[str, Any]:
        """Book the answers."""
        return steps.book_answers(connection, run_id, self.process)
