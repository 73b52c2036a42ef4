"""Feeds: how a program's numbers arrive, a page to connect, try, send and watch each of them."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar

import yaml
from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.clock import now
from accounts.tokens import issue
from program.feeds.batch import Fault, Unfit, read_day, read_text
from program.feeds.packed import inflate
from program.feeds.registry import KINDS, Kind, recognized
from program.fetch import FetchFailed
from program.models import Feed, Metric, MetricVersion, Program
from teams.apply import permitted
from teams.apply.changes import Changes
from teams.apply.feeds import FeedSpec, check, put, read
from teams.apply.fields import Fields
from teams.apply.marked_yaml import Unreadable, load
from teams.ingest import Origin, Refused, attempt, ingest, of_feed
from teams.models import Run
from teams.pulling import keep_credential, pull, try_pull
from teams.trials import Trial
from web import access
from web.feed_links import of_rows
from web.grants import OF_FEED
from web.render import page

RUNS = 20
LONGEST_GIVEN = 2000
LARGEST, LARGEST_INFLATED = 50_000_000, 200_000_000
LARGEST_KEPT = 1_000_000
"""Characters of a tried file that its page holds, packed; a form may send some more."""
LONGEST_NAME = 200
ASKED = ("as_of", "source", "format")


@dataclass(frozen=True)
class FeedLine:
    """One feed of the list: its newest run, and how it does in words."""

    feed: Feed
    kind: str
    run: Run | None
    said: str


@dataclass
class FeedsContext:
    """A program's feeds. `rows` leads to a feed of plain rows with the program's metrics filled in."""

    template: ClassVar[str] = "pages/feeds.html"
    here: ClassVar[str] = "programs"
    program: Program
    lines: Sequence[FeedLine]
    sentence: str
    is_owner: bool
    rows: str
    unplaced: int
    messages: Sequence[str]


@dataclass
class FeedContext:
    """One feed. `trial` is what a payload would store, `shown_token` a token that is shown this once."""

    template: ClassVar[str] = "pages/feed.html"
    here: ClassVar[str] = "programs"
    feed: Feed
    kind: Kind | None
    sentence: str
    metrics: Sequence[Any]
    runs: Sequence[Run]
    is_owner: bool
    pulled: bool
    address: str
    settings: str
    fetched_from: str
    trial: Trial | None = None
    tried: str = ""
    kept: str = ""
    """the file that was tried, packed, so that it can be stored from here; empty for a large one"""
    asked: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    faults: Sequence[Fault] = ()
    shown_token: str = ""
    messages: Sequence[str] = ()


@dataclass
class EditContext:
    """A feed's settings. `faults` are what a try to keep them found."""

    template: ClassVar[str] = "pages/feed-edit.html"
    here: ClassVar[str] = "programs"
    program: Program
    feed: Feed | None
    kinds: Mapping[str, Kind]
    values: Mapping[str, str]
    faults: Sequence[str] = field(default_factory=list)


@require_safe
def feeds(request: HttpRequest, key: str) -> HttpResponse:
    """How a program's numbers arrive, what is failing first."""
    program = access.program(request, key)
    lines = [_line(feed) for feed in program.feeds.order_by("-failures", "key")]
    sentence = _all_said(lines)
    owner = access.owns(access.person(request), program)
    unplaced = sum(line.run.unplaced for line in lines if line.run)
    said = [str(message) for message in messages.get_messages(request)]
    mine = Metric.objects.run_by(access.person(request))
    metrics = mine.filter(Q(program=program) | Q(goal_rules__program=program)).distinct()
    rows = of_rows(program, metrics.values_list("key", flat=True)) if owner else ""
    return page(request, FeedsContext(program, lines, sentence, owner, rows, unplaced, said))


def _all_said(lines: Sequence[FeedLine]) -> str:
    failing = sum(line.feed.failures > 0 for line in lines)
    if failing:
        return f"{failing} of {len(lines)} feeds {'is' if failing == 1 else 'are'} failing."
    silent = sum(line.run is None for line in lines)
    if silent:
        return f"{silent} of {len(lines)} feeds {'has' if silent == 1 else 'have'} brought nothing yet."
    return "All feeds bring their numbers." if lines else ""


def _line(feed: Feed) -> FeedLine:
    run = feed.runs.order_by("-received_at", "-pk").first()
    kind = KINDS[feed.kind].title if feed.kind in KINDS else "any report"
    return FeedLine(feed, kind, run, _said(feed, run))


def _said(feed: Feed, run: Run | None) -> str:
    if feed.paused:
        return "paused"
    if feed.failures:
        return f"failing: {feed.last_error}"
    if run is None:
        return "nothing came yet"
    return f"{run.observations} observations, {run.new} new, {run.changed} changed, {run.gone} gone"


@require_safe
def feed(request: HttpRequest, key: str) -> HttpResponse:
    """One feed: how to send to it or when it is fetched, its runs, and what each brought."""
    return page(request, _context(request, access.feed(request, key)))


def _context(request: HttpRequest, found: Feed, **more: Any) -> FeedContext:
    runs = list(found.runs.select_related("token", "by").order_by("-received_at", "-pk")[:RUNS])
    kind = KINDS.get(found.kind)
    pulled = kind is not None and kind.pulled and "url" in found.settings
    owner = access.owns(access.person(request), found.program)
    return FeedContext(
        feed=found,
        kind=kind,
        sentence=_sentence(found, runs, pulled=pulled),
        metrics=list(found.metrics.all()),
        runs=runs,
        is_owner=owner,
        pulled=pulled,
        address=request.build_absolute_uri(reverse("api-runs", args=[found.key])),
        settings=_yaml(found.settings) if owner else "",
        fetched_from=_where(found),
        messages=[str(message) for message in messages.get_messages(request)],
        **more,
    )


def _where(found: Feed) -> str:
    """The address without what follows the question mark: a signature may stand there."""
    address, mark, _ = str(found.settings.get("url", "")).partition("?")
    return address + ("?…" if mark else "")


def _sentence(found: Feed, runs: Sequence[Run], *, pulled: bool) -> str:
    if found.paused:
        return "This feed is paused: nothing is fetched, and its last values stand."
    if found.failures:
        times = "its last run" if found.failures == 1 else f"its last {found.failures} runs"
        return f"This feed is failing: {times} brought nothing. Its last values stand, and nobody is nudged for them."
    if not runs:
        return "Nothing came yet: " + ("it is fetched within a minute." if pulled else "send it its first report.")
    last = runs[0]
    if last.state == Run.State.STORED and not (last.new or last.changed or last.gone):
        return f"The last run changed nothing: all {last.observations} observations were held already."
    said = f"{last.new} new, {last.changed} changed, {last.gone} gone"
    return f"The last run brought {last.observations} observations: {said}."


@require_POST
def take(request: HttpRequest, key: str) -> HttpResponse:
    """Try a file, or store it; or fetch a pulled feed, dry or for good: `do` says which."""
    found = access.owned_feed(request, key)
    do = request.POST.get("do", "try")
    try:
        if do in ("fetch", "try-fetch"):
            return _fetch(request, found, dry=do == "try-fetch")
        data, origin, name = _upload(request, found)
    except Unfit as unfit:
        return page(request, _context(request, found, problem=str(unfit)), status=400)
    except FetchFailed as failed:
        return page(request, _context(request, found, problem=f"Nothing came: {failed.reason}"), status=422)
    if do == "try":
        trial = attempt(data, origin, now())
        more = {"kept": _to_keep(data), "asked": {key: request.POST.get(key, "") for key in ASKED}}
        return page(request, _context(request, found, trial=trial, tried=name, faults=trial.faults, **more))
    try:
        run = ingest(data, origin, now()).run
    except Refused as refused:
        found.refresh_from_db()
        return page(request, _context(request, found, tried=name, faults=refused.faults), status=400)
    messages.info(request, f"Stored: {run.observations} observations, {run.new} new, {run.changed} changed.")
    return redirect("run", run.pk)


def _fetch(request: HttpRequest, found: Feed, *, dry: bool) -> HttpResponse:
    if dry:
        trial = try_pull(found, now())
        return page(request, _context(request, found, trial=trial, tried="what is there now", faults=trial.faults))
    pull(found, now(), access.person(request))
    newest = found.runs.order_by("-received_at", "-pk").first()
    return redirect("run", newest.pk) if newest else redirect("feed", found.key)


def _upload(request: HttpRequest, found: Feed) -> tuple[bytes, Origin, str]:
    """The file's bytes, how they are read, and its name. Raises Unfit."""
    file = request.FILES.get("file")
    if file is not None and (file.size or 0) > LARGEST:
        raise Unfit(f"A file of at most {LARGEST:,} bytes was expected.")
    data = inflate(_tried(request) if file is None else file.read(), LARGEST_INFLATED)
    called = (file.name if file is not None else request.POST.get("called", "").replace("\0", "")[:LONGEST_NAME]) or ""
    name = request.POST.get("format") or found.kind
    kind = KINDS.get(name) if name else recognized(data)
    if kind is None:
        raise Unfit("A report of a known format was expected: choose its format.")
    day, source = request.POST.get("as_of", ""), request.POST.get("source", "")
    origin = of_feed(
        found,
        kind,
        came_from=called or "upload",
        run_kind=Run.Kind.FILE,
        as_of=_day(day),
        source=read_text(source, "source") or None,
        by=access.person(request),
    )
    return data, origin, called or "the file"


def _to_keep(data: bytes) -> str:
    """A file that was tried, for the page that offers to store it; empty for a large one, which is chosen again."""
    packed = base64.b64encode(gzip.compress(data, mtime=0)).decode() if len(data) <= LARGEST_INFLATED // 10 else ""
    return packed if len(packed) <= LARGEST_KEPT else ""


def _tried(request: HttpRequest) -> bytes:
    """The file that was tried a moment ago, as its page holds it. Raises Unfit without one."""
    kept = request.POST.get("kept", "")
    if not kept:
        raise Unfit("A file was expected: choose one first.")
    try:
        return base64.b64decode(kept, validate=True)
    except ValueError:
        raise Unfit("The file that was tried did not come back whole: choose it again.") from None


def _day(text: str) -> date | None:
    return read_day(text) if text else None


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, key: str, feed_key: str = "") -> HttpResponse:
    """Connect a feed to a program, or change one. What is asked of the source is part of its metrics' definitions."""
    program = access.owned_program(request, key) if feed_key else access.desk_program(request, key)
    found = access.owned_feed(request, feed_key) if feed_key else None
    if found is not None and found.program_id != program.pk:
        raise Http404
    if request.method != "POST":
        return page(request, EditContext(program, found, KINDS, _values(found) if found else _asked(request)))
    values = {name: request.POST.get(name, "") for name in FORM}
    if found is not None:
        values["key"] = found.key
    spec, faults = _spec(values, program)
    if spec is not None and spec.kind == "sql" and not access.person(request).is_superuser:
        faults.append("a query on a warehouse is connected by an administrator")
    if spec is not None:
        faults += [permitted.anothers(metric) for metric in permitted.foreign(spec, access.person(request))]
    if faults or spec is None:
        return page(request, EditContext(program, found, KINDS, values, faults), status=400)
    changes = Changes(now(), "page", access.person(request))
    with transaction.atomic():
        kept = put(program, spec, changes)
    messages.info(request, "Kept." if changes.made else "Nothing changed.")
    return redirect("feed", kept.key)


FORM = ("key", "name", "kind", "source", "scope", "every", "settings", "measures", "metrics")


def _asked(request: HttpRequest) -> dict[str, str]:
    """A new feed's form: empty, but for what the link that led here fills in."""
    return {name: request.GET.get(name, "").replace("\0", "")[:LONGEST_GIVEN] for name in FORM}


def _values(found: Feed) -> dict[str, str]:
    """The form's fields as they stand."""
    every = found.every_minutes
    mapped = set(found.measures.values())
    return {
        "key": found.key,
        "name": found.name,
        "kind": found.kind,
        "source": found.source,
        "scope": ", ".join(found.scope) if isinstance(found.scope, list) else found.scope,
        "every": "" if not every else f"{every // 60}h" if every % 60 == 0 else f"{every}m",
        "settings": _yaml(found.settings),
        "measures": _yaml(found.measures),
        "metrics": ", ".join(sorted({metric.key for metric in found.metrics.all()} - mapped)),
    }


def _yaml(held: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(held), sort_keys=False, allow_unicode=True, width=100) if held else ""


def _spec(values: Mapping[str, str], program: Program) -> tuple[FeedSpec | None, list[str]]:
    """The form as a feed, read as the YAML file is; and what is wrong with it."""
    scope = values["scope"].strip()
    keys = [key.strip() for key in scope.split(",") if key.strip()]
    plain: dict[str, Any] = {name: values[name].strip() for name in ("key", "name", "kind", "source", "every")}
    plain |= {"scope": scope if scope in ("", "owners", "all") else keys}
    plain |= {"metrics": [key.strip() for key in values["metrics"].split(",") if key.strip()]}
    try:
        for name in ("settings", "measures"):
            documents = load(values[name]) if values[name].strip() else []
            plain[name] = documents[0].value if documents else {}
        # Read as the file is, so that a page and a file refuse and accept the same.
        (document,) = load(yaml.safe_dump({name: value for name, value in plain.items() if value not in ("", [], {})}))
    except Unreadable as fault:
        return None, [one.what for one in fault.faults]
    spec = read(Fields(document))
    check(document, (), spec, _known(), program.key)
    return spec, list(dict.fromkeys(fault.what for fault in document.faults))


def _known() -> dict[str, Any]:
    held = MetricVersion.objects.filter(current=True).values_list("metric__key", "aggregation", "direction")
    return {key: (aggregation, direction) for key, aggregation, direction in held}


@require_POST
def credential(request: HttpRequest, key: str) -> HttpResponse:
    """Keep a credential, encrypted and bound to the feed's host; it is never shown again."""
    found = access.owned_feed(request, key)
    header, value = request.POST.get("header", "").strip(), request.POST.get("value", "").strip()
    if found.kind == "sql":
        held = {"password": value} if value else {}
    else:
        held = {"header": header or "Authorization", "value": value} if value else {}
    with transaction.atomic():
        keep_credential(found, held)
        changes = Changes(now(), "page", access.person(request))
        changes.note("feed credential", found.key, {}, {"host": found.secret_host, "kept": bool(held)})
    messages.info(request, f"Kept, for {found.secret_host} only." if held else "The credential is forgotten.")
    return redirect("feed", found.key)


@require_POST
def token(request: HttpRequest, key: str) -> HttpResponse:
    """Make a token that may send to this feed only, for a year; it is shown on this page, and never again."""
    found = access.owned_feed(request, key)
    by, until = access.person(request), now() + timedelta(days=365)
    _, secret = issue(f"{found.key} feed", [f"{OF_FEED}{found.key}"], created_by=by, expires_at=until, via="page")
    return page(request, _context(request, found, shown_token=secret))


@require_POST
def pause(request: HttpRequest, key: str) -> HttpResponse:
    """Pause a feed, or let it go on; a pulled one is then fetched at once."""
    found = access.owned_feed(request, key)
    changes = Changes(now(), "page", access.person(request))
    with transaction.atomic():
        changes.put("feed", found.key, found, {"paused": not found.paused})
        if not found.paused and found.every_minutes:
            found.next_due_at = now()
            found.save(update_fields=["next_due_at"])
    return redirect("feed", found.key)
