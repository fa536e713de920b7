"""``python -m backoffice.runtime.warm_scheduler``: Airflow's scheduler with tasks' heavy libraries loaded.

With the LocalExecutor every task is a copy of the scheduler's process. Great Expectations costs two
seconds of processor time to import; loaded here once, each gate has it for nothing. Only libraries are
loaded, none of our own code: that is read anew by each task, so that a changed file counts from the next
task on.
"""

from __future__ import annotations

import importlib
import logging
import sys

HEAVY = (
    "great_expectations",
    "great_expectations.expectations",
    "great_expectations.execution_engine.sqlalchemy_execution_engine",
    "great_expectations.render.renderer.page_renderer",
    "great_expectations.render.view.view",
    "airflow.providers.http.hooks.http",
    "lxml.etree",
    "orjson",
    "psycopg",
)


def load(names: tuple[str, ...]) -> list[str]:
    """Import the modules; return those that are missing here (a task that needs one says so itself)."""
    logging.disable(logging.INFO)  # hundreds of lines about the library's own documentation
    missing = []
    try:
        for name in names:
            try:
                importlib.import_module(name)
            except ImportError:
                missing.append(name)
    finally:
        logging.disable(logging.NOTSET)
    return missing


def main() -> None:
    """Load the libraries and become the scheduler, with the arguments of ``airflow scheduler``."""
    missing = load(HEAVY)
    if missing:
        print(f"not loaded ahead, because missing: {', '.join(missing)}", file=sys.stderr)
    from airflow.__main__ import main as airflow

    sys.argv = ["airflow", "scheduler", *sys.argv[1:]]
    airflow()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
