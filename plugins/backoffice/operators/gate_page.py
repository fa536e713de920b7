"""The page of a gate: Great Expectations' own (Data Docs), made fit to be kept and served.

As shipped, those pages load styles, scripts and pictures from public servers. Here only the text and
tables stay; the look is one style sheet in the same folder, so that a page opens offline and sends nothing
anywhere.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lxml.html
from jinja2 import Environment, FileSystemLoader, Template
from lxml.html import HtmlElement
from markupsafe import Markup

from backoffice import settings
from backoffice.domain.expectation_suite import Severity
from backoffice.domain.gate_address import FIRST_PAGE, gate_folder
from backoffice.domain.gate_outcome import SuiteOutcome

if TYPE_CHECKING:
    from backoffice.operators.gate_findings import Load
    from backoffice.operators.gate_judge import Judgement

STYLE = "gate.css"
_KEPT_TAGS = frozenset(
    (
        *(
            "div",
            "span",
            "p",
            "h4",
            "h5",
            "h6",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "ul",
            "ol",
            "li",
        ),
        *("strong", "em", "i", "br", "a", "small", "hr", "pre", "code"),
    )
)
_KEPT_ATTRIBUTES = frozenset({"class", "id", "href", "colspan", "rowspan", "hidden"})


@dataclass(frozen=True)
class SuitePage:
    """One suite's page as the first page lists it."""

    load_id: int
    source: str
    suite: str
    rows: int
    checks: int
    not_met: int
    quarantine_findings: int
    warnings: int
    file: str
    html: str
    synthetic: bool


def gate_root() -> Path:
    """Return the folder of all gate pages.

    ``[backoffice] gate_dir``, else ``backoffice/gates`` in Airflow's home.
    """
    configured = settings.option("gate_dir")
    if configured:
        return Path(configured)
    return Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser() / "backoffice" / "gates"


def suite_page(load: Load, judgement: Judgement, outcome: SuiteOutcome) -> SuitePage:
    """Return the page of one suite on one load."""
    from great_expectations import __version__ as version
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    renderer: Any = ValidationResultsPageRenderer(run_info_at_end=True)
    page_view: Any = DefaultJinjaPageView()
    document = renderer.render(judgement.result)
    document.sections.pop()  # run info: a connection's technical data, of no use to a reader
    body, contents = _text_only(page_view.render(document))
    suite = outcome.suite.name
    html = _template("page.html").render(
        suite=suite,
        load_id=load.load_id,
        source=load.source,
        rows=outcome.rows,
        synthetic=load.synthetic,
        version=version,
        first_page=FIRST_PAGE,
        contents=contents,
        body=Markup(body),  # noqa: S704 - built from kept tags alone; every text went through lxml's own escaping
    )
    return SuitePage(
        load_id=load.load_id,
        source=load.source,
        suite=suite,
        rows=outcome.rows,
        checks=len(outcome.checks),
        not_met=sum(1 for check in outcome.checks if check.judged.met is not True),
        quarantine_findings=_findings(outcome, "quarantine"),
        warnings=_findings(outcome, "warn"),
        file=f"load-{load.load_id}-{suite}.html",
        html=html,
        synthetic=load.synthetic,
    )


def _findings(outcome: SuiteOutcome, severity: Severity) -> int:
    return sum(check.selected or 0 for check in outcome.checks if check.check.severity == severity)


def write_pages(
    root: Path, dag_id: str, run_id: str, dataset: str, pages: Sequence[SuitePage], problems: Sequence[str]
) -> Path:
    """Write all pages of one gate in place of what an earlier attempt left, and return the first page.

    The folder appears whole: it is written beside its place and moved there.
    """
    target = root / gate_folder(dag_id, run_id, dataset)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        first = _template("index.html").render(
            dataset=dataset, dag_id=dag_id, run_id=run_id, pages=pages, problems=problems
        )
        (fresh / FIRST_PAGE).write_text(first, encoding="utf-8")
        shutil.copyfile(_template_folder() / STYLE, fresh / STYLE)
        for page in pages:
            (fresh / page.file).write_text(page.html, encoding="utf-8")
        fresh.chmod(0o755)
        _put_in_place(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target / FIRST_PAGE


def _put_in_place(fresh: Path, target: Path) -> None:
    """Move a folder to where an older one may be; an attempt that is still alive may do the same at once."""
    for _ in range(9):
        shutil.rmtree(target, ignore_errors=True)
        try:
            fresh.replace(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
    shutil.rmtree(target)
    fresh.replace(target)


def _text_only(html: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the sections of a page without anything that could load or run, and the table of contents."""
    page: HtmlElement = lxml.html.document_fromstring(html)
    sections = page.find_class("ge-section")
    contents = []
    for section in sections:
        heading = next(section.iter("h5"), None)
        contents.append(
            (str(section.get("id")), heading.text_content().strip() if heading is not None else "")
        )
        _keep_only_text(section)
    return "\n".join(lxml.html.tostring(section, encoding="unicode") for section in sections), contents


def _keep_only_text(section: HtmlElement) -> None:
    for element in list(section.iter()):
        if not isinstance(element.tag, str) or element.tag not in _KEPT_TAGS:
            element.drop_tree()
            continue
        for name in list(element.attrib):
            if name not in _KEPT_ATTRIBUTES or (name == "href" and not element.attrib[name].startswith("#")):
                del element.attrib[name]


def _template_folder() -> Path:
    return settings.include_dir() / "templates" / "gate"


def _template(name: str) -> Template:
    return Environment(loader=FileSystemLoader(_template_folder()), autoescape=True).get_template(name)
