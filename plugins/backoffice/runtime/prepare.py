"""``python -m backoffice.runtime.prepare``: bring Airflow's own database up to date, quickly if it is.

``airflow db migrate`` costs some seconds of imports even where nothing is to do. So the schema's version is
written down after each migration; while the database still says that version and Airflow is the same, nothing
is run.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import psycopg

from backoffice.runtime.airflow_env import EnvironmentBuilder
from backoffice.runtime.database import AIRFLOW_DATABASE, current_server, ensure_airflow_database
from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.files import read_json, write_json
from backoffice.runtime.home import Home, find_home, known_ports
from backoffice.runtime.secret_store import AIRFLOW_LOGIN, Secrets, load_secrets


def prepare_airflow_database(home: Home, secrets: Secrets) -> bool:
    """Create and migrate Airflow's database where needed. Return whether a migration ran.

    :raises RuntimeFault: The migration failed; its output stands in the log above.
    """
    ensure_airflow_database(home, secrets)
    note = home.airflow / "migrated.json"
    seen = _schema(home, secrets)
    if seen["heads"] and read_json(note) == seen:
        return False
    ports = known_ports(home)
    if ports is None:
        raise RuntimeFault("no ports are chosen yet; this is called by `backoffice up`")
    environment = EnvironmentBuilder(home, secrets, ports, current_server(home)).airflow_migration()
    answer = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], env=environment, cwd=home.airflow, check=False
    )
    if answer.returncode != 0:
        raise RuntimeFault(f"`airflow db migrate` ended with exit code {answer.returncode}")
    write_json(note, _schema(home, secrets))
    return True


def _schema(home: Home, secrets: Secrets) -> dict[str, object]:
    """Return Airflow's version and the schema versions that its database says it has."""
    dsn = current_server(home).url(AIRFLOW_LOGIN, secrets.databases[AIRFLOW_LOGIN], AIRFLOW_DATABASE)
    heads: list[str] = []
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        exists = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
        if exists is not None and exists[0]:
            rows = connection.execute(
                "SELECT version_num FROM alembic_version ORDER BY version_num"
            ).fetchall()
            heads = [str(row[0]) for row in rows]
    return {"airflow": version("apache-airflow-core"), "heads": heads}


def main() -> int:
    """Prepare the installation's Airflow database; 0 when it is up to date, 1 with the reason when not."""
    try:
        home = find_home()
        ran = prepare_airflow_database(home, load_secrets(home))
    except (RuntimeFault, psycopg.Error) as error:
        print(f"Airflow's database is not ready: {error}", file=sys.stderr)
        return 1
    print("Airflow's database was migrated" if ran else "Airflow's database is up to date")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
