"""A Python that has ``cryptography`` and nothing else: what an auditor has."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path

_NEEDED = ("cryptography", "cffi", "_cffi_backend")


def clean_python(folder: Path) -> Path:
    """Make a virtual environment without pip and put in the installed ``cryptography``; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    base = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=base))
    for name in _NEEDED:
        spec = importlib.util.find_spec(name)
        assert spec is not None, f"{name} is not installed here"
        assert spec.origin is not None
        origin = Path(spec.origin)
        found = origin.parent if origin.name == "__init__.py" else origin
        (site / found.name).symlink_to(found)
    for libraries in Path(sysconfig.get_path("purelib")).glob("c*.libs"):
        (site / libraries.name).symlink_to(libraries)
    return folder / "bin" / "python3"


def run(python: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run it with nothing of this environment."""
    return subprocess.run(
        [python, *map(str, arguments)],
        cwd=cwd,
        env={"PATH": f"{python.parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
