"""Every error the product raises, by what a retry does.

::

    BackofficeError
    ├── ConfigurationError (ValueError)      wrong settings, policy, profile or suite; a retry never helps
    ├── BusinessStop (AirflowFailException)  the data or the books forbid going on; never retried
    │   ├── ControlTotalsError               received = accepted + quarantined + already known does not tie
    │   ├── QualityGateError                 a stop-severity expectation failed, or two counts of one fact
    differ
    │   ├── AuthorityError                   the ledger refused an act
    │   └── AuditLogError                    the audit log does not prove itself
    └── TransientError                       the network, a source or a lock; retried
        └── SourceUnavailableError           a source did not answer, or answered with a server error

Rows that are wrong are not errors: they are quarantined and become cases.
"""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowFailException


class BackofficeError(Exception):
    """Base of all errors of this package."""


class ConfigurationError(BackofficeError, ValueError):
    """A setting, policy, profile or suite is wrong; the message says where and what to do."""


class BusinessStop(BackofficeError, AirflowFailException):
    """The data or the books forbid going on. Airflow does not retry it."""


class ControlTotalsError(BusinessStop):
    """A load's or a run's totals do not tie; nothing of the load was accepted."""


class QualityGateError(BusinessStop):
    """A stop-severity expectation failed, or Great Expectations and the ledger count the same rows
    differently.
    """


class AuthorityError(BusinessStop):
    """The ledger refused an act because the authority for it is missing."""


class AuditLogError(BusinessStop):
    """A check of the audit log failed: it was changed, or no seal came. People look at it."""


class TransientError(BackofficeError):
    """The network, a lock or a process got in the way. A retry may help and is safe."""


class SourceUnavailableError(TransientError):
    """A source did not answer in time or answered with a server error. What depends on it waits."""


class BackofficeWarning(UserWarning):
    """Something an operator should know that stops nothing."""
