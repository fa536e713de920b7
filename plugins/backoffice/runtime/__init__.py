"""Everything that runs on one machine: the bundled Postgres, the sandbox company, the local Airflow."""
