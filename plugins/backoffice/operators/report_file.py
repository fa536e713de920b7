"""The files that runs leave for people: where they lie, and how they are written."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from airflow.sdk.configuration import conf

from backoffice import settings


def report_folder(given: str | None = None) -> Path:
    """Return the folder of the files, made if it is missing.

    ``given`` wins, then ``[backoffice] report_dir``, then ``backoffice/reports`` beside the Dag folder.
    """
    configured = given or settings.option("report_dir")
    folder = (
        Path(configured)
        if configured
        else Path(conf.get("core", "dags_folder")).parent / "backoffice" / "reports"
    )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_whole(file: Path, text: str) -> None:
    """Write a file so that readers see the old or the new one, even when two attempts write at once."""
    partial = file.with_suffix(f".{uuid4().hex}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
