"""The pages of the quality gates, served as files from the folder the gates write to."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.responses import FileResponse, Response

from backoffice.settings import option
from backoffice.web.problems import Problem

# No part may be empty, begin with a dot or hold a separator; what is left cannot name anything outside its
# folder.
_PART = re.compile(r"[A-Za-z0-9_~:+=,@-][A-Za-z0-9._~:+=,@-]{0,249}")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
# A gate's page needs no script, reaches nothing and may style itself; whatever else is in it stays without
# effect.
GATE_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin"
)


def gate_folder() -> Path:
    """Return the folder the gates write to.

    :raises Problem: 404, none is configured.
    """
    configured = option("gate_dir")
    if not configured:
        raise Problem(404, "No folder for gate pages is configured ([backoffice] gate_dir).")
    return Path(configured)


def find_gate_file(folder: Path, dag_id: str, run_id: str, dataset: str, path: str) -> Path:
    """Return the file of a gate's page; nothing outside the gate's own folder is ever found.

    :raises Problem: 404, there is no such file there.
    """
    missing = Problem(404, f"There is no page of the {dataset!r} gate for this run.")
    parts = [dag_id, run_id, dataset, *(path or "index.html").split("/")]
    if not all(_PART.fullmatch(part) for part in parts):
        raise missing
    allowed = (folder / dag_id / run_id / dataset).resolve()
    found = folder.joinpath(*parts).resolve()
    # a link in the folder may point elsewhere: what counts is where the path ends up
    inside = allowed.is_relative_to(folder.resolve()) and found.is_relative_to(allowed)
    if not inside or not found.is_file() or found.suffix not in _TYPES:
        raise missing
    return found


def serve(file: Path) -> Response:
    """Return the file as an answer."""
    return FileResponse(
        file,
        media_type=_TYPES[file.suffix],
        headers={"Content-Security-Policy": GATE_POLICY, "Cache-Control": "no-store"},
    )
