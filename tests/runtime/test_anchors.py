"""Where checkpoints are laid down outside: a folder, a mailbox, a class of one's own."""

from __future__ import annotations

import datetime
import json
import ssl
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.conftest import Ledger
from tests.docs.pages import blocks, page
from tests.sealing import seal, write
from tests.smtp_server import mail_server

from backoffice.domain.checkpoint import Checkpoint, VerifyingKey, open_note, sign
from backoffice.runtime.sealer.anchors import FileAnchor, MailAnchor, build_anchors
from backoffice.runtime.sealer.fault import SealerFault

PRIVATE = Ed25519PrivateKey.generate()
CHECKPOINT = Checkpoint("example.com/log", 17, b"\1" * 32, bytes(32), "2026-11-24T01:02:03.000000Z")
NOTE = sign(CHECKPOINT, PRIVATE)
KEY = VerifyingKey.of("example.com/log", PRIVATE)
TO = "auditor@example.com"


def mail_anchor(port: int, log_in: str = "", scheme: str = "smtp", **more: str) -> MailAnchor:
    (anchor,) = build_anchors(
        {
            "BACKOFFICE_SEALER_ANCHORS": f"mail:{TO}",
            "BACKOFFICE_SMTP_URL": f"{scheme}://{log_in}localhost:{port}",
            **more,
        }
    )
    assert isinstance(anchor, MailAnchor)
    return anchor


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A certificate for localhost that this machine trusts as long as the test lasts."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (tmp_path / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return context


# -- mail --


def test_a_mail_holds_the_checkpoint_so_that_it_verifies() -> None:
    with mail_server() as server:
        receipt = mail_anchor(server.port).publish(NOTE, [KEY.line()])
    assert receipt == TO
    (mail,) = server.mails
    assert server.envelopes == [(TO, [TO])]
    assert mail["Subject"] == f"Checkpoint {CHECKPOINT.short} of example.com/log"
    text = mail.get_content().replace("\r\n", "\n")
    note = text.partition("\nPublic keys:\n")[0]
    assert open_note(note, {KEY.key_id: KEY})[0] == CHECKPOINT
    assert KEY.line() in text


def test_the_sender_is_the_one_that_is_set() -> None:
    with mail_server() as server:
        mail_anchor(server.port, BACKOFFICE_SMTP_FROM="log@example.com").publish(NOTE, [])
    assert server.envelopes == [("log@example.com", [TO])]


@pytest.mark.parametrize("implicit", [False, True])
def test_a_log_in_goes_over_tls_alone(
    certificate: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, implicit: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with mail_server(log_in=("log@x", "p@ss/word"), tls=certificate, implicit=implicit) as server:
        scheme = "smtps" if implicit else "smtp"
        mail_anchor(server.port, "log%40x:p%40ss%2Fword@", scheme).publish(NOTE, [])
        with pytest.raises(OSError, match="the mail server refused"):
            mail_anchor(server.port, "log%40x:wrong@", scheme).publish(NOTE, [])
    assert len(server.mails) == 1


@pytest.mark.parametrize("implicit", [False, True])
def test_a_server_that_nobody_vouches_for_gets_no_password(
    certificate: ssl.SSLContext, implicit: bool
) -> None:
    with mail_server(log_in=("u", "p"), tls=certificate, implicit=implicit) as server:
        with pytest.raises(OSError, match="certificate"):
            mail_anchor(server.port, "u:p@", "smtps" if implicit else "smtp").publish(NOTE, [])
    assert server.mails == []


def test_a_server_without_tls_gets_no_password() -> None:
    with mail_server(log_in=("u", "p")) as server, pytest.raises(OSError, match="refused"):
        mail_anchor(server.port, "u:p@").publish(NOTE, [])


def test_a_refused_mail_is_told_without_the_password() -> None:
    with (
        mail_server(refuses="550 no such mailbox") as server,
        pytest.raises(OSError, match="refused") as told,
    ):
        mail_anchor(server.port).publish(NOTE, [])
    assert "SMTPRecipientsRefused" in str(told.value)
    with pytest.raises(OSError, match="refused"):
        mail_anchor(server.port).publish(NOTE, [])


@pytest.mark.parametrize("url", ["", "http://localhost", "smtp://"])
def test_an_address_that_is_no_mail_server_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(SealerFault, match="BACKOFFICE_SMTP_URL"):
        build_anchors({"BACKOFFICE_SEALER_ANCHORS": f"mail:{TO}", "BACKOFFICE_SMTP_URL": url})


@pytest.mark.integration
def test_a_mailbox_and_a_folder_get_every_checkpoint_and_one_that_is_away_stops_nothing(
    ledger: Ledger, tmp_path: Path
) -> None:
    with mail_server() as server:
        both = [mail_anchor(server.port), FileAnchor(tmp_path / "anchors")]
        for number in range(2):
            write(ledger, f'{{"n":"{number}"}}')
            seal(ledger, tmp_path, anchors=both)
        assert len(server.mails) == 2
    write(ledger, '{"n":"2"}')
    seal(ledger, tmp_path, anchors=both)
    with ledger.connect("auditor") as connection:
        rows = connection.execute(
            "SELECT seal_no, anchor, receipt IS NOT NULL FROM audit.anchor ORDER BY anchor_id"
        ).fetchall()
    folder = f"file:{tmp_path / 'anchors'}"
    mail = f"mail:{TO}"
    assert rows == [
        (1, mail, True), (1, folder, True), (2, mail, True), (2, folder, True), (3, mail, False), (3, folder, True),
    ]  # fmt: skip


# -- a folder --


def test_the_folder_keeps_the_same_checkpoint_once_and_every_key_once(tmp_path: Path) -> None:
    anchor = FileAnchor(tmp_path / "made" / "here")
    for _ in range(3):
        anchor.publish(NOTE, [KEY.line()])
    other = sign(Checkpoint("example.com/log", 18, b"\2" * 32, b"\1" * 32, CHECKPOINT.sealed_at), PRIVATE)
    anchor.publish(other, [KEY.line()])
    lines = (tmp_path / "made" / "here" / "example.com_log.jsonl").read_text().splitlines()
    assert [json.loads(line)["note"] for line in lines] == [NOTE, other]
    assert (tmp_path / "made" / "here" / "example.com_log.keys").read_text() == f"{KEY.line()}\n"
    assert (tmp_path / "made" / "here").stat().st_mode & 0o777 == 0o700


def test_a_line_that_was_cut_off_does_not_swallow_the_next(tmp_path: Path) -> None:
    """The machine went down in the middle of a line: the next checkpoint begins a line of its own."""
    anchor = FileAnchor(tmp_path)
    anchor.publish(NOTE, [])
    file = tmp_path / "example.com_log.jsonl"
    whole = file.read_text()
    file.write_text(whole + whole[:50])
    other = sign(Checkpoint("example.com/log", 18, b"\2" * 32, b"\1" * 32, CHECKPOINT.sealed_at), PRIVATE)
    anchor.publish(other, [])
    lines = file.read_text().splitlines()
    assert json.loads(lines[-1])["note"] == other
    assert json.loads(lines[0])["note"] == NOTE


# -- one's own --


def test_the_example_on_the_page_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks(page("docs/how-to/run-on-an-existing-airflow.md"), "python")
    (tmp_path / "own_anchor.py").write_text(example)
    program = tmp_path / "lay-down"
    program.write_text(f'#!/bin/sh\ncat > "{tmp_path}/laid-down"\necho "shelf 7"\n')
    program.chmod(0o755)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    try:
        (anchor,) = build_anchors({"BACKOFFICE_SEALER_ANCHORS": "own_anchor:ProgramAnchor"})
        assert anchor.name == "program:lay-down"
        assert anchor.publish(NOTE, [KEY.line()]) == "shelf 7"
    finally:
        sys.modules.pop("own_anchor", None)
    assert open_note((tmp_path / "laid-down").read_text(), {KEY.key_id: KEY})[0] == CHECKPOINT


def test_several_are_named_in_one_variable(tmp_path: Path) -> None:
    found = build_anchors(
        {
            "BACKOFFICE_SEALER_ANCHORS": f"file:{tmp_path}\n  mail:{TO}",
            "BACKOFFICE_SMTP_URL": "smtps://mail.example.com",
        }
    )
    assert [one.name for one in found] == [f"file:{tmp_path}", f"mail:{TO}"]
