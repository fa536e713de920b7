"""``policy``: everything about policies on the command line."""

from __future__ import annotations

from typing import Any

from backoffice.cli import policy_change


def register(subparsers: Any) -> None:
    """Add the commands."""
    policy = subparsers.add_parser("policy", help="list and change the policies that decide")
    commands = policy.add_subparsers(title="commands", metavar="COMMAND", required=True)
    policy_change.add_to(commands)
