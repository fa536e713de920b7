"""The review inbox, the case page and the run report inside Airflow's API server."""
