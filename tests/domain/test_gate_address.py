"""One folder and one address per gate, whatever a run is called."""

from __future__ import annotations

import pytest

from backoffice.domain.gate_address import gate_folder, gate_url


@pytest.mark.parametrize(
    ("run_id", "folder"),
    [
        ("manual__2026-11-22T02:00:00+00:00", "manual__2026-11-22T02:00:00+00:00"),
        ("a/../../b", "a%2F..%2F..%2Fb"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("...x", "...x"),
    ],
)
def test_folder_stays_below_its_root(run_id, folder):
    assert gate_folder("dag", run_id, "orders").parts == ("dag", folder, "orders")


@pytest.mark.parametrize("part", ["", ".", "..", "..."])
def test_part_that_names_no_folder_is_refused(part):
    with pytest.raises(ValueError, match="no gate can stand"):
        gate_folder("dag", part, "orders")


def test_address_is_quoted_and_keeps_the_path_airflow_is_served_under():
    assert gate_url("dag", "manual__1+00:00", "orders") == "/backoffice/gates/dag/manual__1%2B00%3A00/orders/"
    assert gate_url("dag", "r", "orders", "/airflow/") == "/airflow/backoffice/gates/dag/r/orders/"
