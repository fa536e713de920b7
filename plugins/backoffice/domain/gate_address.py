"""Where the page of a gate stands, on disk and in the browser: one folder per Dag, run and dataset.

The operator writes there, the API server serves from there; both ask this module.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import quote

URL_ROOT = "/backoffice/gates"
FIRST_PAGE = "index.html"


def gate_folder(dag_id: str, run_id: str, dataset: str) -> PurePosixPath:
    """Return the folder of a gate below the gate folder, safe whatever the run was called.

    :raises ValueError: A part is empty or names a folder above (``.`` or ``..``).
    """
    parts = [quote(part, safe=":+") for part in (dag_id, run_id, dataset)]
    if any(not part.strip(".") for part in parts):
        raise ValueError(f"no gate can stand under {dag_id!r}, {run_id!r}, {dataset!r}")
    return PurePosixPath(*parts)


def gate_url(dag_id: str, run_id: str, dataset: str, base_path: str = "") -> str:
    """Return the address of a gate's page, relative to the server.

    ``base_path`` is the path Airflow is served under.
    """
    parts = "/".join(quote(part, safe="") for part in (dag_id, run_id, dataset))
    return f"{base_path.rstrip('/')}{URL_ROOT}/{parts}/"
