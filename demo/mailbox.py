"""The demo's mailbox: an SMTP server on loopback that keeps the very bytes it received, one file a mail."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it arrived. `number` counts arrivals from 1."""

    number: int
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The bytes read as a message."""
        return message_from_bytes(self.raw, policy=policy.default)

    def part(self, kind: str) -> str:
        """The first part of this media type as text; empty if there is none."""
        for part in self.message.walk():
            if part.get_content_type() == kind:
                return str(part.get_content())
        return ""


def folder() -> Path:
    """Where the mails are kept."""
    kept = Path(settings.VAR_DIR) / "mail"
    kept.mkdir(parents=True, exist_ok=True)
    return kept


def keep(raw: bytes) -> Path:
    """Keep a mail under the next number; a name that is taken by another process is passed over."""
    for number in itertools.count(1 + max((int(path.stem) for path in folder().glob("*.eml")), default=0)):
        path = folder() / f"{number:06}.eml"
        try:
            with path.open("xb") as file:
                file.write(raw)
        except FileExistsError:
            continue
        return path
    raise AssertionError("numbers do not end")


def newest_first() -> Iterator[Mail]:
    """All mails, the newest arrival first."""
    for path in sorted(folder().glob("*.eml"), reverse=True):
        yield Mail(int(path.stem), path.read_bytes())


def by_number(number: int) -> Mail | None:
    """One mail, or None."""
    path = folder() / f"{number:06}.eml"
    return Mail(number, path.read_bytes()) if path.exists() else None
