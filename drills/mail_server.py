"""A real SMTP server on loopback that remembers what it accepted and can be told to stall, refuse or hang up."""

from __future__ import annotations

import re
import socketserver
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

HANG_UP = "hang up"


@dataclass
class Exchange:
    """One message on its way through the server's stages."""

    connection: int
    sender: str = ""
    receivers: list[str] = field(default_factory=list)
    data: bytes = b""

    @property
    def message_id(self) -> str:
        """The Message-ID of the text, once there is one."""
        found = re.search(rb"(?im)^message-id:\s*(<[^>]+>)", self.data)
        return found.group(1).decode() if found else ""


Stage = Callable[[str, Exchange], str | None]
"""Called at connect, mail, rcpt, data (asked, not yet granted), text (all received) and accepted (on record, its
250 not yet said). It may block; it may return the reply to give instead, or HANG_UP."""


class MailServer:
    """Accepts mail in threads of this process; use it as a context manager."""

    def __init__(self, on_stage: Stage | None = None) -> None:
        self.on_stage: Stage = on_stage or (lambda _stage, _exchange: None)
        self.accepted: list[Exchange] = []
        self.connections = 0
        self._lock = threading.Lock()
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 120

            def handle(self) -> None:
                # The sender may be killed at any word: that is what drills do.
                with suppress(OSError):
                    owner._converse(self)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = "127.0.0.1"
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> MailServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def counts(self) -> Counter[str]:
        """How often each Message-ID was accepted."""
        with self._lock:
            return Counter(exchange.message_id for exchange in self.accepted)

    def has(self, message_id: str) -> bool:
        """Whether a message was accepted."""
        return message_id in self.counts()

    def _converse(self, handler: socketserver.StreamRequestHandler) -> None:
        with self._lock:
            self.connections += 1
            number = self.connections
        exchange = Exchange(number)
        if not self._answer(handler, "connect", exchange, "220 drill ESMTP"):
            return
        while line := handler.rfile.readline(4096):
            words = line.decode("utf-8", "replace").strip()
            verb = words[:4].upper()
            if verb in ("EHLO", "HELO"):
                said = "250 drill"
            elif verb == "MAIL":
                exchange = Exchange(number, sender=_address(words))
                if not self._answer(handler, "mail", exchange, "250 ok"):
                    return
                continue
            elif verb == "RCPT":
                exchange.receivers.append(_address(words))
                if not self._answer(handler, "rcpt", exchange, "250 ok"):
                    return
                continue
            elif verb == "DATA":
                if not self._take_text(handler, exchange):
                    return
                exchange = Exchange(number)
                continue
            elif verb == "QUIT":
                self._say(handler, "221 bye")
                return
            else:
                said = "250 ok" if verb in ("RSET", "NOOP") else "502 what?"
            self._say(handler, said)

    def _take_text(self, handler: socketserver.StreamRequestHandler, exchange: Exchange) -> bool:
        said = self.on_stage("data", exchange) or "354 go on"
        if said == HANG_UP:
            return False
        self._say(handler, said)
        if not said.startswith("354"):
            return True
        lines = []
        while (line := handler.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line[1:] if line.startswith(b".") else line)
        exchange.data = b"".join(lines)
        said = self.on_stage("text", exchange) or "250 accepted"
        if said.startswith("250"):
            with self._lock:
                self.accepted.append(exchange)
            said = self.on_stage("accepted", exchange) or said
        if said == HANG_UP:
            return False
        self._say(handler, said)
        return True

    def _answer(self, handler: socketserver.StreamRequestHandler, stage: str, exchange: Exchange, usual: str) -> bool:
        said = self.on_stage(stage, exchange) or usual
        if said == HANG_UP:
            return False
        self._say(handler, said)
        return True

    @staticmethod
    def _say(handler: socketserver.StreamRequestHandler, line: str) -> None:
        handler.wfile.write(f"{line}\r\n".encode())


def _address(words: str) -> str:
    found = re.search(r"<([^>]*)>", words)
    return found.group(1) if found else ""
