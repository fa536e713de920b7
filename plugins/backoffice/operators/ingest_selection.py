"""What part of a source a run reads: everything new, or a period and selection to be read again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from backoffice.domain.typed_value import Moment, UnreadableValueError
from backoffice.exceptions import ConfigurationError

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


@dataclass(frozen=True, slots=True)
class Selection:
    """The window asked for by hand, and the source's own filters.

    :param since: First change that is read (included); None: where the last load ended.
    :param until: Changes from here on are not read; None: up to the source's now.
    :param filters: Query parameters for the source: ``entity``, ``supplier_id``.
    """

    since: datetime | None = None
    until: datetime | None = None
    filters: Mapping[str, str] = field(default_factory=dict)

    @property
    def advances_watermark(self) -> bool:
        """Whether the load covers everything since the last one, so that the next run may go on from its
        end.
        """
        return self.since is None and self.until is None and not self.filters


def read_selection(params: Mapping[str, Any]) -> Selection:
    """Return the selection that a Dag run's parameters ask for.

    ``period_from`` and ``period_until`` are days in UTC (both included) or points in time with a zone (the
    end not included); ``supplier`` and ``entity`` are keys of the source. All may be empty.

    :raises ConfigurationError: A value is of none of these forms, or the period ends before it starts.
    """
    since = _moment("period_from", params.get("period_from"), day_after=False)
    until = _moment("period_until", params.get("period_until"), day_after=True)
    if since is not None and until is not None and until <= since:
        raise ConfigurationError(
            f"period_until ({until.isoformat()}) is not after period_from ({since.isoformat()})"
        )
    wanted = {"supplier_id": params.get("supplier"), "entity": params.get("entity")}
    filters = {
        name: str(value).strip() for name, value in wanted.items() if value is not None and str(value).strip()
    }
    return Selection(since, until, filters)


def refuse_filters(params: Mapping[str, Any], source: str) -> None:
    """Refuse to read a source by entity or supplier that can only be read whole.

    A period is no reason to refuse: it lies within the whole.

    :raises ConfigurationError: The run asks for a part of the source.
    """
    filters = read_selection(params).filters
    if filters:
        asked = ", ".join(f"{name} {value}" for name, value in filters.items())
        raise ConfigurationError(
            f"{source} is always read whole and cannot be asked for {asked}; "
            "start the run without entity and supplier"
        )


def _moment(name: str, value: object, *, day_after: bool) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        value = value.isoformat()
    text = value.isoformat() if isinstance(value, date) else str(value).strip()
    try:
        if _DAY.match(text):
            day = date.fromisoformat(text) + timedelta(days=1 if day_after else 0)
            return datetime.combine(day, time(), tzinfo=UTC)
        return Moment().read(text)
    except (UnreadableValueError, ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"{name} is {text!r}: neither a day nor a point in time with its zone"
        ) from error
