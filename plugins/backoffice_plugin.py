"""The plugin Airflow loads: pages, API and run tab of the back office."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from backoffice.web.mount import application


class BackofficePlugin(AirflowPlugin):
    """The review inbox in the navigation, the run report as a tab on each Dag run, and the REST API of both."""

    name = "backoffice"
    fastapi_apps: ClassVar[list[Any]] = [{"app": application, "url_prefix": "/backoffice", "name": "Back office"}]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Back office",
            "href": "/backoffice/cases",
            "destination": "nav",
            "url_route": "backoffice",
            "nav_top_level": True,
        },
        {
            "name": "Report",
            "href": "/backoffice/runs/{DAG_ID}/{RUN_ID}",
            "destination": "dag_run",
            "url_route": "backoffice_report",
        },
    ]
