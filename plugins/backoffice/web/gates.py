"""The pages of the quality gates, served as files from the folder the gates write to."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.responses import FileResponse, Response

from backoffice.domain.gate_address import FIRST_PAGE, gate_folder
from backoffice.web.problems import Problem

# A file beside the gate's first page: no separator, no leading dot. The pages are flat.
_FILE = re.compile(r"[A-Za-z0-9_~:+=,@-][A-Za-z0-9._~:+=,@-]{0,249}")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
# A gate's page needs no script and reaches nothing; whatever else were in it would stay without effect.
GATE_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-same-origin"
)


def find_gate_file(root: Path, dag_id: str, run_id: str, dataset: str, name: str) -> Path:
    """Return a file of a gate's page; nothing outside the gate's own folder is ever found.

    :param root: Folder of all gate pages.
    :param name: Name of the file; empty is the first page.
    :raises Problem: 404, there is no such file there.
    """
    missing = Problem(404, f"There is no page of the {dataset!r} gate for this run.")
    try:
        folder = (root / gate_folder(dag_id, run_id, dataset)).resolve()
        found = (folder / (name or FIRST_PAGE)).resolve()
    except (ValueError, OSError) as error:  # an empty part, a zero byte, a name too long
        raise missing from error
    # a link in the folder may point elsewhere: what counts is where the path ends up
    inside = folder.is_relative_to(root.resolve()) and found.parent == folder
    if not inside or not _FILE.fullmatch(found.name) or found.suffix not in _TYPES or not found.is_file():
        raise missing
    return found


def serve(file: Path) -> Response:
    """Return the file as an answer that can do nothing but be read."""
    return FileResponse(
        file,
        media_type=_TYPES[file.suffix],
        headers={"Content-Security-Policy": GATE_POLICY, "Cache-Control": "no-store"},
    )
