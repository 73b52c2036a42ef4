"""The kinds of message there are, and what each asks of the outbox; a room above adds its own when it is ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .models import Delivery


@dataclass(frozen=True)
class Later:
    """A verdict of `still_wanted`: it is wanted, but not before this moment."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class Words:
    """A rendered message, ready to be handed to any channel."""

    subject: str
    text: str
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    card: dict[str, Any] = field(default_factory=dict)
    """nudges/cards.py; without one it can go by e-mail only"""


def _wanted(_row: Delivery, _now: datetime) -> None:
    return None


def _nothing(_rows: Sequence[Delivery], _now: datetime) -> None:
    return None


@dataclass(frozen=True)
class Kind:
    """One kind of message.

    `still_wanted` is asked again after the claim: None to send it, a reason to suppress it, or Later.
    `prefetch` reads what still_wanted and render need for a whole batch, so that a batch costs constant queries.
    `render` gives the words shortly before they go out; without it the row's own words are sent.
    `never_arrived` is told, in the same transaction, of rows that were suppressed, expired, refused or dropped.
    A kind that a person waits for (a sign-in) is not counted or held by the storm breaker.
    A kind that is `in_budget` takes its place among the mails for which a person's week has room.
    A kind that `follows_route` goes to the place its person chose (routes.py); all others go where they were put.
    """

    name: str
    still_wanted: Callable[[Delivery, datetime], str | Later | None] = _wanted
    render: Callable[[Delivery, datetime], Words] | None = None
    prefetch: Callable[[Sequence[Delivery], datetime], None] = _nothing
    never_arrived: Callable[[Sequence[Delivery], datetime], None] = _nothing
    breaker: bool = True
    follows_route: bool = False
    in_budget: bool = False


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known; call it from AppConfig.ready. A name belongs to one kind."""
    if kind.name in _kinds and _kinds[kind.name] != kind:
        raise ValueError(f"there is a kind of message called {kind.name!r} already")
    _kinds[kind.name] = kind
    return kind


def get(name: str) -> Kind:
    """The kind of this name; KeyError says which ones are known."""
    try:
        return _kinds[name]
    except KeyError:
        raise KeyError(f"no kind of message {name!r}; known: {', '.join(sorted(_kinds))}") from None


def names(kinds: Iterable[Kind] | None = None) -> list[str]:
    """Names of all kinds, in order."""
    return sorted(kind.name for kind in (_kinds.values() if kinds is None else kinds))


def held_by_breaker() -> list[str]:
    """Names of the kinds that a storm would hold."""
    return names(kind for kind in _kinds.values() if kind.breaker)


def in_budget() -> list[str]:
    """Names of the kinds, beside the digest, that take their place in a person's week."""
    return names(kind for kind in _kinds.values() if kind.in_budget)
