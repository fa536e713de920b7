"""Which failed tasks are tried again, for the default arguments of every process' Dag.

Only what a retry can heal: the network, a source, a lock. Wrong data and wrong settings are not.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

RETRIES: dict[str, Any] = {
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception="backoffice.exceptions.ConfigurationError",
                action=RetryAction.FAIL,
                reason="a setting is wrong",
            ),
            RetryRule(
                exception="backoffice.exceptions.BusinessStop",
                action=RetryAction.FAIL,
                reason="data or books forbid it",
            ),
            RetryRule(
                exception="backoffice.exceptions.TransientError",
                action=RetryAction.RETRY,
                reason="network, source or lock",
            ),
        ]
    ),
}
