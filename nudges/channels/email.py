"""E-mail by SMTP, in steps of its own: the outbox must know when the server has the recipient but not yet the text."""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr, parseaddr
from typing import Any

from django.conf import settings

from nudges.models import Delivery

from .errors import ChannelError

# A server may take its time over the final dot (RFC 5321 asks for ten minutes' patience): giving up early
# would only put a message in doubt that is about to be accepted.
ANSWER_TIMEOUT = 120
COMMAND_TIMEOUT = 20


class MailPolicy(EmailPolicy):
    """As the standard library writes mail, except that it must not encode a long link or id as if it were words."""

    UNFOLDED = ("list-unsubscribe", "list-id", "message-id")

    def fold_binary(self, name: str, value: str) -> bytes:
        """One header as it goes over the wire."""
        if name.lower() in self.UNFOLDED:
            return f"{name}: {value}\r\n".encode("ascii")
        folded = super().fold_binary(name, value)
        # A value that just fits on no line is put on one of its own; some readers then show it with a blank before.
        return folded.replace(b":\r\n ", b": ", 1) if folded.startswith(f"{name}:\r\n ".encode("ascii")) else folded

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """One header as it is kept: what is plain and short goes out as it is, and need not be taken apart first."""
        plain = isinstance(value, str) and value.isascii() and value.isprintable()
        if plain and len(name) + len(value) < PLAIN:
            return name, value
        kept: tuple[str, Any] = super().header_store_parse(name, value)
        return kept

    def header_max_count(self, name: str) -> int | None:
        """How often a header may stand in a message: looked up once a name."""
        if name not in _MOST:
            _MOST[name] = super().header_max_count(name)
        return _MOST[name]

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        """One header as it is read back while the message is put together: what the parts are is plain text to it."""
        return value if name.lower().startswith("content-") else super().header_fetch_parse(name, value)


_MOST: dict[str, int | None] = {}
PLAIN = 74
"""Characters of a header that needs no folding."""
POLICY = MailPolicy(linesep="\r\n")


class EmailChannel:
    """Mails a row by the SMTP server of the settings."""

    def seal(self, row: Delivery, now: datetime) -> bytes:
        """The message as it goes over the wire, with dots still unstuffed."""
        message = EmailMessage(policy=POLICY)
        message["From"] = settings.DEFAULT_FROM_EMAIL
        # A line break in a name would be a header of its own: such a message would never be sent.
        name = " ".join(row.person.name.split()) if row.person is not None else ""
        message["To"] = formataddr((name, _ascii_domain(row.address)))
        message["Subject"] = row.subject
        message["Date"] = format_datetime(now.astimezone(UTC))
        message["Message-ID"] = row.message_id
        message["Auto-Submitted"] = "auto-generated"
        for header, value in row.headers.items():
            message[header] = value
        # Quoted-printable stays legible in a raw mailbox and breaks no long line.
        message.set_content(row.text, cte="quoted-printable")
        if row.html:
            message.add_alternative(row.html, subtype="html", cte="quoted-printable")
        # A calendar goes both as a part that a mail program acts on and as a file for those that show files.
        for part in row.attachments:
            message.add_alternative(
                part["content"], subtype="calendar", params={"method": part["method"]}, cte="base64"
            )
        for part in row.attachments:
            message.add_attachment(
                part["content"].encode(),
                maintype="application",
                subtype="ics",
                filename=part.get("filename") or "invite.ics",
            )
        if message.is_multipart():
            # One that stands nowhere in the text ("=_" is written differently there), the same for the same message.
            message.set_boundary("=_" + hashlib.sha256(row.message_id.encode()).hexdigest()[:32])
        return message.as_bytes()

    @contextmanager
    def open(self) -> Iterator[EmailSession]:
        """One connection; closed politely where it can be."""
        server = _connect()
        try:
            yield EmailSession(server)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()


class EmailSession:
    """An open SMTP connection."""

    def __init__(self, server: smtplib.SMTP) -> None:
        self.server = server
        self.sender = _ascii_domain(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])

    def send(self, sealed: bytes, address: str, handing: Callable[[], bool]) -> None:
        """MAIL, RCPT, `handing`, DATA. Until the text is on its way, a broken line proves it was not taken."""
        with _unreachable("the mail server hung up"):
            self._expect(self.server.mail(self.sender), 250)
            self._expect(self.server.rcpt(_ascii_domain(address)), 250, 251, of_address=True)
            if not handing():
                self.server.rset()
                return
            self._expect(self.server.docmd("DATA"), 354)
        try:
            if self.server.sock is not None:
                self.server.sock.settimeout(max(ANSWER_TIMEOUT, _timeout()))
            self.server.send(_stuffed(sealed))
            answer = self.server.getreply()
        except (OSError, smtplib.SMTPException) as fault:
            self.server.close()
            reason = f"the mail server gave no answer to the text ({_said(fault)})"
            raise ChannelError(reason, in_doubt=True, unreachable=True) from fault
        if self.server.sock is not None:
            self.server.sock.settimeout(_timeout())
        self._expect(answer, 250)

    def _expect(self, answer: tuple[int, bytes], *wanted: int, of_address: bool = False) -> None:
        code, said = answer
        if code in wanted:
            return
        reason = f"{code} {said.decode('utf-8', 'replace')}"[:280]
        if code in (421, -1):
            raise ChannelError(reason, unreachable=True)
        with suppress(OSError, smtplib.SMTPException):
            self.server.rset()
        permanent = 500 <= code < 600
        raise ChannelError(
            reason,
            permanent=permanent,
            # 5.7.x is the server's policy and says nothing about the person's address.
            address=permanent and of_address and not re.match(rb"5\.7\.", said),
        )


CHANNEL = EmailChannel()


def _connect() -> smtplib.SMTP:
    """A greeted and, where the settings say so, encrypted and signed-in connection."""
    with _unreachable("the mail server cannot be reached"):
        # Reading the system's certificates takes longer than sending many messages.
        context = ssl.create_default_context() if settings.EMAIL_USE_SSL or settings.EMAIL_USE_TLS else None
        if settings.EMAIL_USE_SSL:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=_timeout(), context=context
            )
        else:
            server = smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=_timeout())
        try:
            server.ehlo_or_helo_if_needed()
            if settings.EMAIL_USE_TLS:
                server.starttls(context=context)
                server.ehlo()
            if settings.EMAIL_HOST_USER:
                server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
        except BaseException:
            server.close()
            raise
        return server


@contextmanager
def _unreachable(what: str) -> Iterator[None]:
    """Whatever breaks here breaks for every message, and none was handed over by it."""
    try:
        yield
    except (OSError, smtplib.SMTPException) as fault:
        raise ChannelError(f"{what} ({_said(fault)})"[:280], unreachable=True) from fault


def _timeout() -> float:
    return settings.EMAIL_TIMEOUT or COMMAND_TIMEOUT


def _said(fault: Exception) -> str:
    return str(fault) or type(fault).__name__


def _stuffed(sealed: bytes) -> bytes:
    """Dots at the start of a line doubled, and the final dot."""
    body = re.sub(rb"(?m)^\.", b"..", sealed)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _ascii_domain(address: str) -> str:
    """An address with its domain as servers know it; the local part is left as it is."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode('ascii')}" if domain else address
