"""What Airflow's own plugin loader makes of ``plugins/``: one plugin, one mount, and no module under a bare name.

Airflow executes every file below the plugins folder and puts it in ``sys.modules`` by its bare file name, unless
``.airflowignore`` says otherwise: a ``calendar.py`` of ours would replace Python's own for the whole process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PLUGINS = PROJECT / "plugins"

LOADED = """
import gc, importlib.metadata, json, sys
import calendar, operator, platform, tokenize
before = {name: module for name, module in sys.modules.items() if name in sys.stdlib_module_names}
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
apps, _ = plugins_manager.get_fastapi_plugins()
views, _ = plugins_manager._get_ui_plugins()
folder = plugins_manager.settings.PLUGINS_FOLDER
ours = [plugin for plugin in plugins if plugin.name == "backoffice"]
entry_points = [point for point in importlib.metadata.entry_points(group="airflow.plugins") if point.name == "backoffice"]
print(json.dumps({
    "replaced": sorted(name for name, module in before.items() if sys.modules.get(name) is not module),
    "bare": sorted(name for name, module in list(sys.modules.items()) if (getattr(module, "__file__", None) or "").startswith(folder) and name.split(".")[0] != "backoffice"),
    "plugins": len(ours), "sources": [str(plugin.source) for plugin in ours],
    "mounts": [app["url_prefix"] for app in apps].count("/backoffice"), "views": sum(view["href"].startswith("/backoffice/") for view in views),
    "classes": len({id(kind) for kind in plugins_manager.AirflowPlugin.__subclasses__() if kind.__name__ == "BackofficePlugin"}),
    "entry_points": [point.load() is type(ours[0]) for point in entry_points] if ours else [], "errors": errors,
}))
"""


def loaded(folder: Path, home: Path, *path: Path) -> dict[str, object]:
    """Let Airflow load a plugins folder in a process of its own and return what came of it."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": os.pathsep.join(map(str, [folder, *path])),
    }
    run = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, env=environment, cwd=home, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    result: dict[str, object] = json.loads(run.stdout.splitlines()[-1])
    return result


@pytest.fixture
def entry_point(tmp_path: Path) -> Path:
    """A folder on the import path that says what the installed wheel would say: the same plugin, by entry point."""
    site = tmp_path / "site"
    info = site / "backoffice_for_apache_airflow-0.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: backoffice-for-apache-airflow\nVersion: 0.0.0\n", encoding="utf-8"
    )
    declared = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'backoffice = "backoffice_plugin:BackofficePlugin"' in declared
    (info / "entry_points.txt").write_text(
        "[airflow.plugins]\nbackoffice = backoffice_plugin:BackofficePlugin\n", encoding="utf-8"
    )
    return site


def test_the_package_is_kept_from_the_loader():
    lines = (PLUGINS / ".airflowignore").read_text(encoding="utf-8").splitlines()
    assert "backoffice/" in lines
    assert [path.name for path in PLUGINS.glob("*.py")] == ["backoffice_plugin.py"]


def test_one_plugin_with_one_mount_and_nothing_under_a_bare_name(tmp_path):
    result = loaded(PLUGINS, tmp_path)
    assert (result["errors"], result["replaced"], result["bare"]) == ({}, [], ["backoffice_plugin"])
    assert (result["plugins"], result["mounts"], result["views"], result["classes"]) == (1, 1, 4, 1)


def test_with_the_entry_point_beside_it_there_is_still_one(tmp_path, entry_point):
    result = loaded(PLUGINS, tmp_path, entry_point)
    assert result["entry_points"] == [True]  # it is there, and means the very class that the folder brought
    assert (result["plugins"], result["mounts"], result["views"], result["classes"]) == (1, 1, 4, 1)
    assert (result["replaced"], result["bare"]) == ([], ["backoffice_plugin"])
    assert [
        message for message in result["errors"].values() if "already registered, skipping" not in message
    ] == []


def test_the_ignore_file_is_what_protects_the_standard_library(tmp_path):
    """The same loader on a folder with a ``calendar.py``: harmless with our ignore file, harmful without it."""
    for name, protected in (("with", True), ("without", False)):
        folder = tmp_path / name
        (folder / "backoffice").mkdir(parents=True)
        (folder / "backoffice" / "calendar.py").write_text("DAYS = 7\n", encoding="utf-8")
        if protected:
            (folder / ".airflowignore").write_bytes((PLUGINS / ".airflowignore").read_bytes())
        home = tmp_path / f"home_{name}"
        home.mkdir()
        assert loaded(folder, home)["replaced"] == ([] if protected else ["calendar"])
