"""The tags that a Dag may carry."""

from __future__ import annotations

from enum import StrEnum


class Tag(StrEnum):
    """What process a Dag belongs to, what control it implements, how much hangs on it."""

    INVOICE_RECONCILIATION = "process:invoice_reconciliation"
    HOUSEKEEPING = "process:housekeeping"
    AUDIT = "process:audit"
    THREE_WAY_MATCH = "control:three_way_match"
    FOUR_EYES = "control:four_eyes"
    TAMPER_EVIDENCE = "control:tamper_evidence"
    TIER_1 = "impact:tier_1"
    TIER_2 = "impact:tier_2"
