"""Plain Python: what the business decides, without Airflow, databases or HTTP."""
