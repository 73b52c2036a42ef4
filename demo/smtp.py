"""The demo's SMTP server: takes any mail on a loopback port and hands its bytes to the mailbox."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings

from .mailbox import keep

HOST = "127.0.0.1"


class KeepEverything:
    """Accepts every recipient and keeps every message."""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        keep(bytes(envelope.original_content or b""))
        return "250 kept in the demo's mailbox"


def port_file() -> Path:
    """Where the running server's port is written, for other processes of the demo."""
    return Path(settings.VAR_DIR) / "smtp-port"


def is_listening(port: int) -> bool:
    """Whether something answers on the port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving() -> Iterator[int]:
    """An SMTP server for the time of a `with`; gives its port. One that runs already is used."""
    known = port_file()
    if known.exists() and is_listening(int(known.read_text(encoding="ascii"))):
        yield int(known.read_text(encoding="ascii"))
        return
    port = free_port()
    controller = Controller(KeepEverything(), hostname=HOST, port=port)
    controller.start()
    known.write_text(str(port), encoding="ascii")
    try:
        yield port
    finally:
        controller.stop()
        known.unlink(missing_ok=True)
