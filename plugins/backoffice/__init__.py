"""Backoffice for Apache Airflow: back-office processes that run end to end and leave proof."""

__version__ = "0.1.0"
