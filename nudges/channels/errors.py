"""What can go wrong on the way to a receiver, told apart by what the outbox must do about it."""

from __future__ import annotations


class ChannelError(Exception):
    """A message was not taken, or nobody knows whether it was.

    permanent: refused for good, asking again is no use. address: it is the address that is refused.
    unreachable: the way itself is closed, so the rest of the batch waits. in_doubt: it may have been taken.
    retry_after: seconds after which the receiver wants to be asked again.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        address: bool = False,
        unreachable: bool = False,
        in_doubt: bool = False,
        retry_after: int | None = None,
    ) -> None:
        self.reason = _plain(reason)
        super().__init__(self.reason)
        self.permanent = permanent
        self.address = address
        self.unreachable = unreachable
        self.in_doubt = in_doubt
        self.retry_after = retry_after


def _plain(text: str) -> str:
    """On one line, and without what no database keeps (NUL, lone surrogates): receivers' own words stand in it."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
