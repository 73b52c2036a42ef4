"""Guards taken out, in this process only: the matrix has to turn red, or it would not see them missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.shortcuts import get_object_or_404

from accounts import share_links
from accounts.models import AccessToken, ShareLink
from accounts.tokens import digest
from program.models import Feed, ProgramQuerySet
from teams import roles
from teams.apply import permitted
from tests.access.table import Row
from tests.access.world import World
from web import access, sharing
from web.api import runs
from web.api import tokens as web_tokens
from web.api.tokens import FeedsObservations
from web.pages import metrics as metrics_page
from web.pages import shared as shared_page


def everybody(_self: Any, *_args: Any) -> Any:
    return _self


SABOTAGE = {
    "a draft or another group's program is shown to all": (ProgramQuerySet, "visible_to", everybody, "GET /programs/"),
    "everybody may change every program": (ProgramQuerySet, "run_by", everybody, "POST /programs/typing/nudges/"),
    "nobody has to sign in": (LoginRequiredMiddleware, "process_view", lambda *_a: None, "GET /teams/api/"),
    "everybody may act in every team": (roles, "acts_in", lambda *_a: True, "POST /teams/api/dispute/"),
    "everybody settles ownership": (access, "settles_ownership", lambda *_a: True, "POST /ownership/change"),
    "any token may send to any feed": (
        runs, "_feed", lambda _request, key: Feed.objects.get(key=key), "POST /api/v1/feeds/inner-ci/"
    ),
    "any token may ask anything": (
        FeedsObservations, "has_permission", lambda *_a: True, "POST /api/v1/feeds/typing-ci/"
    ),
    "a dead token goes on": (
        web_tokens, "recognize", lambda secret, _now: AccessToken.objects.filter(digest=digest(secret)).first(),
        "POST /api/v1/observations",
    ),
    "an ended link goes on": (
        share_links, "is_live", lambda *_a: True, "GET /shared/{link-dead.pk}/ /shared/{link-dead}/ /badges/{link-dead}"
    ),
    "any cookie opens any link": (
        shared_page, "_held", lambda _request, pk: ShareLink.objects.filter(pk=pk).first(), "GET /shared/{link-inner.pk}/"
    ),
    "everybody makes links of every team": (sharing, "may_share", lambda *_a: True, "GET /teams/api/links/"),
    "a dispute of another metric is answered": (
        metrics_page, "get_object_or_404", lambda rows, pk, **_more: get_object_or_404(rows, pk=pk),
        "POST /metrics/typing-share/disputes/",
    ),
    "everybody feeds every metric": (permitted, "foreign", lambda *_a: [], "POST /programs/other/feeds/new"),
}  # fmt: skip
"""What a guard is taken out of, in this process only: its place, its name, what stands there instead, which rows see it."""


def rows_that_see(name: str, rows: Sequence[Row]) -> list[Row]:
    """The rows that have to see a guard missing."""
    return [row for row in rows if any(str(row).startswith(start) for start in starts(SABOTAGE[name][3]))]


def starts(rows: str) -> list[str]:
    method, *rest = rows.split()
    return [f"{method} {address}" for address in rest if address.startswith("/")]


@contextmanager
def without(name: str, world: World) -> Iterator[None]:
    """The service without one of its guards."""
    place, guard, instead, _ = SABOTAGE[name]
    held = getattr(place, guard)
    setattr(place, guard, instead)
    _forget(world)
    try:
        yield
    finally:
        setattr(place, guard, held)
        _forget(world)


def _forget(world: World) -> None:
    for client in world.clients.values():  # middleware is bound when a client first asks
        client.handler._middleware_chain = None  # type: ignore[attr-defined]
