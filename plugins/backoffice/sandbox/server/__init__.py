"""The sandbox company's systems over HTTP: ERP, warehouse and invoice mailbox.

The way in is ``create_app`` for one's own server, or ``running`` for a server on a free port in a thread.
"""

from backoffice.sandbox.server.app import create_app
from backoffice.sandbox.server.background import running
from backoffice.sandbox.server.clock import SandboxClock
from backoffice.sandbox.server.gate import Credentials

__all__ = ["Credentials", "SandboxClock", "create_app", "running"]
