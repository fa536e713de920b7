"""Fixtures of the tests that show the documents' pictures: a night of the sandbox company, its pages, a browser."""

from __future__ import annotations

from tests.browser.conftest import browser, open_page
from tests.integration.conftest import business_day, company, product
from tests.web.conftest import airflow_without_its_database

__all__ = ["airflow_without_its_database", "browser", "business_day", "company", "open_page", "product"]
