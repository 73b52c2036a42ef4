"""Pulling: feeds whose hour has come are fetched, host by host, and tried again later where that fails."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from time import perf_counter
from urllib.parse import urlsplit

import structlog
from django.db import transaction

from accounts import secrets
from accounts.models import User
from program import warehouse
from program.feeds.batch import Unfit
from program.feeds.packed import inflate
from program.feeds.registry import KINDS
from program.fetch import FetchFailed, fetch
from program.models import Feed

from . import trust
from .ingest import Origin, Received, Refused, attempt, ingest, of_feed
from .models import Run
from .trials import Trial

LEASE = timedelta(minutes=10)
AGAIN_AFTER = (1, 5, 15, 60, 240)
"""Minutes until a failed feed is tried again, each time one step longer; never later than its own schedule."""
SPREAD = 0.1
AT_A_TIME = 20
SECONDS_A_HOST = 120.0
LARGEST = 50_000_000
"""Bytes of a payload that came in gzip, once inflated."""

log = structlog.get_logger(__name__)


def due_hosts(now: datetime) -> list[str]:
    """The hosts of which some feed is due. Each is worked on by itself, so that a slow one keeps nobody waiting."""
    return sorted({host_of(feed) for feed in _due(now)})


def pull_host(host: str, now: datetime) -> int:
    """Pull the due feeds of one host, one after the other, for two minutes at most; the rest is due still."""
    pulled, until = 0, perf_counter() + SECONDS_A_HOST
    for feed in [feed for feed in _due(now) if host_of(feed) == host][:AT_A_TIME]:
        if perf_counter() > until:
            break
        # Whoever moves the due moment first has it; a killed worker's feed is due again when the lease is over.
        mine = Feed.objects.filter(pk=feed.pk, next_due_at=feed.next_due_at).update(next_due_at=now + LEASE)
        if mine:
            pull(feed, now)
            pulled += 1
    return pulled


def pull(feed: Feed, now: datetime, by: User | None = None) -> Received | None:
    """Fetch a feed and take what it brings; None if that failed, which the feed and its run then say."""
    permanent, retry_after, received = False, None, None
    try:
        data = ask(feed)
        received = ingest(data, _origin(feed, by), now)
    except Refused:
        permanent = True  # the same answer is refused again: the next regular time is soon enough
    except FetchFailed as failed:
        permanent, retry_after = failed.permanent, failed.retry_after
        with transaction.atomic():
            Run.objects.create(
                kind=Run.Kind.PULL, state=Run.State.FAILED, came_from=_address(feed)[:300], format=feed.kind, feed=feed,
                by=by, received_at=now, faults=[[0, failed.reason]],
            )  # fmt: skip
            trust.feed_failed(feed, failed.reason, now)
        log.info("feed_failed", feed=feed.key, reason=failed.reason)
    if feed.every_minutes:
        next_due = now + wait(feed.every_minutes, feed.failures, permanent=permanent, retry_after=retry_after)
        Feed.objects.filter(pk=feed.pk).update(next_due_at=next_due)
    return received


def try_pull(feed: Feed, now: datetime) -> Trial:
    """Fetch a feed and tell what it would store; nothing is kept. Raises FetchFailed."""
    return attempt(ask(feed), _origin(feed, None), now)


def wait(every_minutes: int, failures: int, *, permanent: bool = False, retry_after: int | None = None) -> timedelta:
    """How long until a feed is fetched next: its own interval, sooner while it is failing; spread by a tenth."""
    minutes = float(every_minutes)
    if failures and not permanent:
        minutes = min(minutes, AGAIN_AFTER[min(failures, len(AGAIN_AFTER)) - 1])
    if retry_after is not None:
        minutes = max(minutes, min(retry_after / 60, 24 * 60))
    return timedelta(minutes=minutes * random.uniform(1 - SPREAD, 1 + SPREAD))  # noqa: S311 - no secret hangs on it


def ask(feed: Feed) -> bytes:
    """What the feed's source says now. Raises FetchFailed."""
    kind = KINDS[feed.kind]
    if kind.name == "sql":
        return warehouse.query(feed.settings, credential(feed).get("password", ""))
    if kind.requests is None:
        raise FetchFailed(f"{kind.title} is sent to us; nothing is fetched", permanent=True)
    try:
        requests = kind.requests(feed.settings)
    except Unfit as unfit:
        raise FetchFailed(str(unfit), permanent=True) from None
    answers = {}
    for name, request in requests.items():
        headers = {**request.headers, **_secret_header(feed, request.url)}
        try:
            answers[name] = fetch(request.url, headers=headers).body
        except FetchFailed as failed:
            said = kind.told(failed.body)
            if said:
                failed.reason += f" {name}: {said}" if name else f" It says: {said}"
            raise
    try:
        return kind.joined(answers) if kind.joined else inflate(answers[""], LARGEST)
    except Unfit as unfit:
        raise FetchFailed(str(unfit)) from None


def credential(feed: Feed) -> dict[str, str]:
    """The feed's credential, if it has one and its address is still on the host it was given for."""
    if not feed.secret or feed.secret_host != host_of(feed):
        return {}
    try:
        held = json.loads(secrets.unseal(feed.secret))
    except secrets.Unreadable as fault:
        raise FetchFailed(str(fault), permanent=True) from None
    return {str(name): str(value) for name, value in held.items()}


def keep_credential(feed: Feed, held: Mapping[str, str]) -> None:
    """Keep a credential, encrypted and bound to the host of the feed's address; an empty one is forgotten."""
    feed.secret = secrets.seal(json.dumps(dict(held))) if held else ""
    feed.secret_host = host_of(feed) if held else ""
    feed.save(update_fields=["secret", "secret_host"])


def host_of(feed: Feed) -> str:
    """The host (and port) that a feed is fetched from."""
    return urlsplit(str(feed.settings.get("url", ""))).netloc.rpartition("@")[2].lower()


def _secret_header(feed: Feed, url: str) -> dict[str, str]:
    held = credential(feed)
    same_host = urlsplit(url).netloc.lower() == feed.secret_host
    return {held["header"]: held["value"]} if held.get("header") and same_host else {}


def _origin(feed: Feed, by: User | None) -> Origin:
    return of_feed(feed, KINDS[feed.kind], came_from=_address(feed), run_kind=Run.Kind.PULL, by=by)


def _address(feed: Feed) -> str:
    """Where it comes from, for the run: without a query string, in which a secret might stand."""
    parts = urlsplit(str(feed.settings.get("url", "")))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _due(now: datetime) -> list[Feed]:
    rows = Feed.objects.filter(next_due_at__lte=now, paused=False, every_minutes__isnull=False)
    pulled = [name for name, kind in KINDS.items() if kind.pulled]
    return list(rows.filter(kind__in=pulled).order_by("next_due_at", "pk"))
