"""What places that take a POST share: one request a message by the guarded way out, and what a failure means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from nudges import routes
from nudges.models import Delivery, Route
from program.fetch import Fetched, FetchFailed, fetch

from .errors import ChannelError

Handing = Callable[[], bool]
SHORT = 65_536


class Place(Protocol):
    """A kind of place: what it is sent, and how."""

    def seal(self, row: Delivery, now: datetime) -> bytes:
        """The body."""

    def post(self, session: PostSession, route: Route, sealed: bytes, handing: Handing) -> None:
        """One message; raises ChannelError."""


class PostSession:
    """One batch's way to many places. No connection is shared, so no place can hold up another for long."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.silent: dict[str, str] = {}
        """by host: what kept us waiting in this batch"""
        self.spoke: dict[str, float] = {}
        """by place: when it was sent something last"""

    def send(self, sealed: bytes, address: str, handing: Handing) -> None:
        """To the place that an address names, if it still is somebody's."""
        route = routes.of_address(address)
        if route is None:
            raise ChannelError("the place was given up", permanent=True)
        if route.host in self.silent:
            raise ChannelError(self.silent[route.host])
        self.place.post(self, route, sealed, handing)

    def request(self, url: str, headers: dict[str, str], body: bytes, handing: Handing) -> Fetched | None:
        """One POST; None if it was taken but the answer is lost, or it was called off. Raises FetchFailed."""
        calls = _Once(handing)
        try:
            return fetch(url, method="POST", headers=headers, body=body, most=SHORT, handing=calls)
        except FetchFailed as fault:
            if calls.off or (fault.status is not None and 200 <= fault.status < 300):
                return None
            raise

    def space_out(self, place: str, seconds: float) -> None:
        """Wait until so many seconds have passed since this place was sent something."""
        wait = self.spoke.get(place, float("-inf")) + seconds - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self.spoke[place] = time.monotonic()

    def waited_for(self, route: Route, fault: FetchFailed) -> None:
        """Do not try a silent host again in this batch."""
        if fault.status is None:
            self.silent[route.host] = fault.reason


class _Once:
    """Remembers whether `handing` called it off."""

    def __init__(self, handing: Handing) -> None:
        self.handing = handing
        self.off = False

    def __call__(self) -> bool:
        self.off = not self.handing()
        return not self.off


@contextmanager
def opened(place: Place) -> Iterator[PostSession]:
    """A session; nothing is connected yet."""
    yield PostSession(place)


def not_taken_yet(fault: FetchFailed) -> ChannelError | None:
    """What it means if nothing was sent, or a place asks to wait: to try again later. None: the answer decides."""
    if not fault.sent:
        return ChannelError(fault.reason)
    if fault.status == 429:
        return ChannelError(fault.reason, retry_after=fault.retry_after)
    return None
