"""The channels there are, and what each must do: a new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from nudges.models import Delivery

from . import email, inbox, slack, teams, webhook
from .errors import ChannelError

__all__ = ["AT_LEAST_ONCE", "CHANNELS", "Channel", "ChannelError", "Session", "channel"]


class Session(Protocol):
    """An open way to the receiver, for one batch."""

    def send(self, sealed: bytes, address: str, handing: Callable[[], bool]) -> None:
        """Hand over one message; raises ChannelError.

        Calls `handing` right before the point of no return, and gives up quietly if it answers False.
        """


class Channel(Protocol):
    """A kind of way to reach people."""

    def seal(self, row: Delivery, now: datetime) -> bytes:
        """The very bytes to send; raises ValueError on a row that cannot be said. Nothing is connected yet."""

    def open(self) -> AbstractContextManager[Session]:
        """Connect; raises ChannelError(unreachable=True)."""


CHANNELS: dict[str, Channel] = {
    "email": email.CHANNEL,
    "slack": slack.CHANNEL,
    "slack-direct": slack.DIRECT,
    "teams": teams.CHANNEL,
    "webhook": webhook.CHANNEL,
    "inbox": inbox.CHANNEL,
}

AT_LEAST_ONCE = ("webhook",)
"""Their receivers know a message by its id: where it may have arrived, it is sent again."""


def channel(name: str) -> Channel:
    """The channel of this name; KeyError says which ones are known."""
    try:
        return CHANNELS[name]
    except KeyError:
        raise KeyError(f"no channel {name!r}; known: {', '.join(sorted(CHANNELS))}") from None
