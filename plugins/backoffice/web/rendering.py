"""The Jinja environment of the pages: autoescaped, complaining about names nobody set."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backoffice.domain import wording
from backoffice.operators.run_report import REPORT_FILTERS
from backoffice.settings import include_dir

_HERE = Path(__file__).parent
_BUSINESS_TERM = re.compile(r"^BT-\d+ ")


@cache
def environment() -> Environment:
    """Return the environment; the templates are read once per process."""
    created = Environment(
        loader=FileSystemLoader([_HERE / "templates", include_dir() / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    created.filters.update(
        amount=wording.amount,
        day=wording.day,
        moment=wording.moment,
        number=wording.number,
        price=wording.price,
        price_of_line=_price_of_line,
        quantity=wording.quantity,
        result_of_step=lambda step: wording.result_of_step(step["step"], step["result"]),
        source=wording.source,
        step=wording.step,
        term=_term,
        unit=wording.unit,
        **REPORT_FILTERS,
    )
    return created


def _price_of_line(line: Any) -> str:
    """Return what a line costs per unit by its amount, where the printed price cannot be kept exactly."""
    if line.net_amount is None or not line.quantity:
        return wording.UNKNOWN
    goods = line.net_amount - (line.charge_total or 0) + (line.allowance_total or 0)
    return f"about {wording.price(goods / line.quantity)}"


def _term(field: str) -> str:
    """Return the name of a field of an e-invoice without its number: BT-146 net price is Net price."""
    return wording.plain(_BUSINESS_TERM.sub("", field))


def page(request: Request, template: str, **values: Any) -> HTMLResponse:
    """Return a page as the answer to a request."""
    root = request.scope.get("root_path", "")
    return HTMLResponse(render_page(template, root=root, **values))


def render_page(template: str, *, root: str, **values: Any) -> str:
    """Return a page. ``root`` is the path our application is mounted under; every link starts with it."""
    return environment().get_template(template).render(root=root, airflow=airflow_root(root), **values)


def airflow_root(root: str) -> str:
    """Return the path that Airflow is served under, from the one that our application is mounted under."""
    return root.rsplit("/", 1)[0]
