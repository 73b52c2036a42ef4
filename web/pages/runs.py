"""One run: what arrived, from where, how it was read, what it changed, its log, and the bytes themselves."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from program.models import Feed, Program
from teams.models import Run, Snapshot
from web import access
from web.render import page

SNAPSHOTS = 60
COUNTS = ("observations", "snapshots", "new", "changed", "unchanged", "gone", "unplaced")


@dataclass
class Context:
    """A run. `written` are snapshots that still are as it left them.

    A run may have fed metrics of several programs: of those that its reader may not see, nothing is said.
    """

    template: ClassVar[str] = "pages/run.html"
    here: ClassVar[str] = "programs"
    run: Run
    feed: Feed | None
    versions: Mapping[str, int]
    notes: Sequence[str]
    sentence: str
    counts: Sequence[tuple[str, int]]
    written: Sequence[Snapshot]
    more: int
    may_download: bool
    messages: Sequence[str]


@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of one run."""
    found = _run(request, pk)
    metrics, feed = access.metrics(request), _feed(request, found)
    fed = found.scope.get("versions", {})
    seen = set(metrics.filter(key__in=fed).order_by().values_list("key", flat=True))
    written = found.written.filter(source__metric_version__metric__in=metrics).select_related(
        "source__team", "source__metric_version__metric"
    )
    shown = list(written.order_by("source__metric_version__metric__key", "source__team__key", "as_of")[:SNAPSHOTS])
    context = Context(
        run=found,
        feed=feed,
        versions={key: number for key, number in fed.items() if key in seen},
        notes=found.notes if feed or not found.feed_id else (),
        sentence=_sentence(found),
        counts=[(name, getattr(found, name)) for name in COUNTS],
        written=shown,
        more=max(0, written.count() - len(shown)),
        may_download=found.payload_id is not None and _owns(request, found),
        messages=[str(message) for message in messages.get_messages(request)],
    )
    return page(request, context)


@require_safe
def payload(request: HttpRequest, pk: int) -> HttpResponse:
    """The bytes as they came, for the owners: a file to keep, never a page."""
    found = _run(request, pk)
    if found.payload is None or not _owns(request, found):
        raise Http404
    answer = HttpResponse(zlib.decompress(found.payload.data), content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{found.digest[:16]}"'
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


def _run(request: HttpRequest, pk: int) -> Run:
    """A run of a feed this person may see, or one that wrote what they may see; or 404."""
    user = access.person(request)
    feeds, programs = Feed.objects.visible_to(user), Program.objects.visible_to(user)
    seen = Q(feed__in=feeds) | Q(written__source__metric_version__metric__program__in=programs)
    if user.is_superuser:
        seen = Q()
    return get_object_or_404(Run.objects.filter(seen).select_related("feed__program", "token", "by").distinct(), pk=pk)


def _feed(request: HttpRequest, found: Run) -> Feed | None:
    """The run's feed, if the reader may see its program."""
    return Feed.objects.visible_to(access.person(request)).filter(runs=found).select_related("program").first()


def _owns(request: HttpRequest, found: Run) -> bool:
    return access.owns(access.person(request), found.feed.program if found.feed else None)


def _sentence(found: Run) -> str:
    match found.state:
        case Run.State.RECEIVED:
            return "It is kept as it came; a worker takes it next."
        case Run.State.REFUSED:
            return "Nothing of it was stored: it was not as expected. What was held before still stands."
        case Run.State.FAILED:
            return "Nothing came. What was held before still stands."
    empty = found.scope.get("empty", 0)
    if not found.observations and empty:
        gone = f"and {found.gone} observations gone"
        return f"It says nothing of {empty} snapshots in its scope: they are empty now, {gone}."
    if not (found.new or found.changed or found.gone):
        return f"It changed nothing: all {found.observations} observations were held already."
    return f"It brought {found.new} new and {found.changed} changed observations, and {found.gone} are gone."
