"""The plugin Airflow loads: pages, API, run tab and task link of the back office."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from backoffice.operators.quality_gate import GateResultLink
from backoffice.web.inbox_only import middlewares
from backoffice.web.mount import application, host_path


class BackofficePlugin(AirflowPlugin):
    """Inbox and runs in the navigation, the report as a tab on each run and task, and the REST API of all."""

    name = "backoffice"
    # Airflow declares these as attributes of the instance; they are read, never changed.
    fastapi_apps = [  # noqa: RUF012
        {"app": application, "url_prefix": "/backoffice", "name": "Back office"},
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "Back office",
            "href": f"{host_path()}/backoffice/cases",
            "destination": "nav",
            "url_route": "backoffice",
            "nav_top_level": True,
        },
        {
            "name": "Report",
            "href": f"{host_path()}/backoffice/runs/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "backoffice_report",
        },
        {
            "name": "Report",
            "href": f"{host_path()}/backoffice/runs/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "task_instance",
            "url_route": "backoffice_task_report",
        },
        {
            "name": "Back office runs",
            "href": f"{host_path()}/backoffice/runs",
            "destination": "nav",
            "url_route": "backoffice_runs",
            "category": "browse",
        },
    ]
    fastapi_root_middlewares = middlewares()
    operator_extra_links = [GateResultLink()]  # noqa: RUF012
