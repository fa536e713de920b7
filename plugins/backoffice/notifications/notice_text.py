"""The words of a notice: made from case numbers, roles, codes and dates, by the templates of ``include/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from backoffice.settings import include_dir

MOST_CASES = 20
KINDS = ("opened", "reminder", "escalation", "test_case")


@dataclass(frozen=True)
class NoticeCase:
    """One case of a notice; ``chosen`` and ``expected`` only of a test case."""

    case_id: int
    role: str
    codes: str | None
    due_date: date | None
    chosen: str | None = None
    expected: str | None = None


@dataclass(frozen=True)
class Notice:
    """What is told at once: never a name, a supplier or an amount.

    :param base_url: Address of Airflow, without a slash at the end.
    """

    notice_id: int
    kind: str
    cases: tuple[NoticeCase, ...]
    base_url: str

    @property
    def inbox(self) -> str:
        """Address of the inbox."""
        return f"{self.base_url}/backoffice/cases"

    def address_of(self, case: NoticeCase) -> str:
        """Address of a case; whoever is not logged in comes there after the log-in."""
        return f"{self.inbox}/{case.case_id}"


def mail_subject(notice: Notice) -> str:
    """Return the subject, in one line."""
    return " ".join(_render(f"{notice.kind}.subject.txt", notice).split())


def mail_html(notice: Notice) -> str:
    """Return the mail; of many cases the first twenty, and where the rest is."""
    return _render(f"{notice.kind}.html", notice)


def channel_text(notice: Notice, by_role: Mapping[str, int]) -> str:
    """Return what a channel is told: numbers per role, and where the inbox is."""
    return _render("channel.txt", notice, by_role=dict(sorted(by_role.items()))).strip()


def _render(name: str, notice: Notice, **values: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(include_dir() / "templates" / "notices"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = lambda text: text.replace("_", " ")
    return environment.get_template(name).render(
        notice=notice, cases=notice.cases, shown=notice.cases[:MOST_CASES], **values
    )
