"""``policy check``: prove policy files before anybody activates them. Needs no database and no Airflow."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from backoffice.cli import policy_change
from backoffice.domain.decision_table import Finding, Kind, Policy, examine_policy
from backoffice.domain.decision_table.calendar import examine_versions
from backoffice.domain.decision_table.words import visible

ENDINGS = (".yaml", ".yml")
MOST_BYTES = 4_000_000


def register(subparsers: Any) -> None:
    """Add the commands."""
    policy = subparsers.add_parser("policy", help="prove, list and change the policies that decide")
    commands = policy.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_check(commands)
    policy_change.add_to(commands)


def add_check(subparsers: Any) -> None:
    """Add ``policy check``."""
    check = subparsers.add_parser(
        "check",
        help="prove policy files; exit code 1 when something is wrong with one of them, 2 when there is none",
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help="a policy file, or a folder of them")
    check.add_argument("--json", action="store_true", help="print the result as JSON")
    check.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    by_place: dict[Path, Path] = {}  # a file that is given by two names is one
    for path in map(Path, arguments.paths):
        try:
            found = sorted(_files(path))
        except OSError as error:
            print(visible(f"backoffice: {error.filename} cannot be read: {error.strerror}"), file=sys.stderr)
            return 2
        if not found:
            print(visible(f"backoffice: {path} {_no_policy(path)}"), file=sys.stderr)
            return 2
        for file in found:
            by_place.setdefault(file.resolve(), file)
    files = list(by_place.values())
    findings, policies = examine_files(files)
    if arguments.json:
        print(_as_json(files, findings, policies))
    else:
        _print(files, findings, policies)
    return 1 if findings else 0


def _files(path: Path) -> Iterator[Path]:
    """Yield the policy files at a path; in a folder those that end as YAML does."""
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, _, names in os.walk(path, onerror=_fail):
            files = (Path(folder) / name for name in names if Path(name).suffix in ENDINGS)
            yield from (file for file in files if file.is_file())


def _fail(error: OSError) -> None:
    """A folder that cannot be looked into may hold a policy: nothing is passed over in silence."""
    raise error


def _no_policy(path: Path) -> str:
    if path.is_dir():
        return f"holds no file that ends with {' or '.join(ENDINGS)}"
    return "is no file and no folder" if path.exists() else "does not exist"


def examine_files(files: Iterable[Path]) -> tuple[list[Finding], dict[Path, Policy]]:
    """Return all findings of some files, those between versions too, and the policies that could be read."""
    findings: list[Finding] = []
    policies: dict[Path, Policy] = {}
    for file in files:
        text = _read(file)
        if isinstance(text, Finding):
            findings.append(text)
            continue
        examination = examine_policy(text, str(file))
        findings += examination.findings
        if examination.policy is not None:
            policies[file] = examination.policy
    findings += examine_versions((str(file), policy) for file, policy in policies.items())
    return findings, policies


def _read(file: Path) -> str | Finding:
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            problem, remedy = f"the file has more than {MOST_BYTES} bytes", "split the policy"
        else:
            return content.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start + 1} is not UTF-8"
        remedy = "save the file as UTF-8 text"
    except OSError as error:
        problem, remedy = f"it cannot be read: {error.strerror}", "let it be read"
    return Finding(str(file), Kind.SYNTAX, problem, remedy)


def _print(files: list[Path], findings: list[Finding], policies: dict[Path, Policy]) -> None:
    for file in files:
        own = [finding for finding in findings if finding.file == str(file)]
        if own:
            print(visible(f"BAD  {file}"))
        elif file in policies:
            policy = policies[file]
            said = f"{policy.policy_id} version {policy.version}, {len(policy.rules)} rules"
            print(visible(f"ok   {file}: {said}"))
        for finding in own:
            line = f"line {finding.line}" if finding.line else ""
            cell = f"{finding.cell} {finding.value!r}" if finding.value else finding.cell
            where = ", ".join(part for part in (line, finding.rule, cell) if part)
            print(visible(f"     {where or 'the file'}: {finding.kind}: {finding.problem}"))
            print(visible(f"       -> {finding.remedy}"))
    print(f"\n{len(findings)} finding{'' if len(findings) == 1 else 's'}" if findings else "\nall good")


def _as_json(files: list[Path], findings: list[Finding], policies: dict[Path, Policy]) -> str:
    return json.dumps(
        {
            "files": [
                {
                    "file": str(file),
                    "policy_id": policies[file].policy_id if file in policies else None,
                    "version": policies[file].version if file in policies else None,
                    "sha256": policies[file].sha256 if file in policies else None,
                    "good": not any(finding.file == str(file) for finding in findings),
                }
                for file in files
            ],
            "findings": [finding.as_dict() for finding in findings],
        },
        indent=1,
        ensure_ascii=True,
    )
