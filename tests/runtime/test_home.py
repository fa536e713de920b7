"""The folders of an installation: found, private, and on ports that are free."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.home import Home, choose_ports, find_home


def test_state_stands_beside_the_dags_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BACKOFFICE_HOME", str(tmp_path / "elsewhere"))
    assert find_home().state == tmp_path / "elsewhere"
    monkeypatch.delenv("BACKOFFICE_HOME")
    if (find_home_project() / "dags").is_dir():
        assert find_home() == Home(find_home_project() / "var", find_home_project())
    else:
        with pytest.raises(RuntimeFault, match="needs a checkout"):
            find_home()


def find_home_project() -> Path:
    return Path(__file__).resolve().parents[2]


def test_folders_are_private(home: Home) -> None:
    home.prepare()
    for folder in (home.airflow, home.logs, home.run, home.reports, home.gates):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_left_alone(home: Home) -> None:
    home.state.mkdir()
    os.chown(home.state, 12345, 12345)
    with pytest.raises(RuntimeFault, match="is user 12345's"):
        home.prepare()
    os.chown(home.state, 0, 0)


def test_ports_are_kept_while_free_and_changed_when_taken(home: Home) -> None:
    home.prepare()
    first = choose_ports(home)
    assert choose_ports(home) == first
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", first.api))
        squatter.listen()
        assert choose_ports(home).api != first.api


def test_the_mark_depends_on_the_folder(home: Home) -> None:
    copy = Home(home.state.with_name("copy"), home.project)
    assert home.mark("abc") == home.mark("abc")
    assert home.mark("abc") != copy.mark("abc")
