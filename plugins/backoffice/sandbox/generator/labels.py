"""Writes the labels of a company as JSON lines: one per document, followed by one per line of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import Any

import orjson

from backoffice.sandbox.generator.model import Arrival, Fault, Label


def label_record(label: Label) -> dict[str, Any]:
    """The label as JSON knows it; numbers are text, moments are UTC."""
    return {
        "message_id": label.message_id,
        "supplier_id": label.supplier_id,
        "invoice_number": label.invoice_number,
        "sha256": label.sha256,
        "kind": label.kind,
        "line": label.line,
        "scenario": label.scenario,
        "faults": [_fault(fault) for fault in label.faults],
        "arrived": [_arrival(arrival) for arrival in label.arrived],
        "expected_codes": list(label.expected_codes),
        "expected_outcome": label.expected_outcome,
    }


def _fault(fault: Fault) -> dict[str, str | None]:
    return {
        "name": fault.name,
        "field": fault.field,
        "original": fault.original,
        "altered": fault.altered,
        "by": fault.by,
        "limit": fault.limit,
        "unit": fault.unit,
        "distance": fault.distance,
        "side": fault.side,
    }


def _arrival(arrival: Arrival) -> dict[str, str | None]:
    at = arrival.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"what": arrival.what, "reference": arrival.reference, "quantity": arrival.quantity, "at": at}


def write_labels(labels: Iterable[Label], path: Path) -> int:
    """Write one JSON object per line and return how many were written."""
    count = 0
    with path.open("wb") as file:
        for label in labels:
            file.write(orjson.dumps(label_record(label), option=orjson.OPT_APPEND_NEWLINE))
            count += 1
    return count
