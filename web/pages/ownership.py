"""Ownership: which rules say whose an item is, what none of them places, and what a change would do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.clock import day_of, now, today
from program.models import MetricVersion
from teams.models import LONG_AGO, OwnedComponent, OwnershipFile, OwnershipPattern, Source, Team
from teams.placing_anew import Effect
from teams.reorganizing import Unfit, add_pattern, end_pattern, preview, set_file
from teams.unowned import Unowned, unowned
from web import access
from web.render import page

SHOWN = 200
BEGINNING = LONG_AGO.isoformat()


@dataclass
class Context:
    """The rules in force and to come."""

    template: ClassVar[str] = "pages/ownership.html"
    here: ClassVar[str] = "teams"
    files: Sequence[OwnershipFile]
    patterns: Sequence[OwnershipPattern]
    components: Sequence[OwnedComponent]
    sources: Sequence[str]
    teams: Sequence[Team]
    today: date
    unowned: int
    may_change: bool
    problem: str
    messages: Sequence[str]


@dataclass
class UnownedContext:
    """What no rule places, worst first."""

    template: ClassVar[str] = "pages/unowned.html"
    here: ClassVar[str] = "teams"
    lines: Sequence[Unowned]
    more: bool
    versions: Sequence[MetricVersion]
    metric: str
    teams: Sequence[Team]
    today: date
    may_change: bool
    messages: Sequence[str]


@dataclass
class PreviewContext:
    """What a change would do; `again` are the form's fields, to be sent once more for good."""

    template: ClassVar[str] = "pages/ownership-preview.html"
    here: ClassVar[str] = "teams"
    what: str
    since: date
    effect: Effect
    again: Sequence[tuple[str, str]]


@require_safe
def ownership(request: HttpRequest) -> HttpResponse:
    """The rules, newest first: by hand, by CODEOWNERS, by the catalog."""
    return page(request, _context(request))


def _context(request: HttpRequest, problem: str = "") -> Context:
    return Context(
        files=list(OwnershipFile.objects.select_related("set_by").order_by("source", "-effective_from")),
        patterns=list(OwnershipPattern.objects.select_related("team", "set_by").order_by("-pk")),
        components=list(OwnedComponent.objects.select_related("team").order_by("key", "-effective_from")),
        sources=_sources(request),
        teams=list(Team.objects.visible_to(access.person(request)).leaves()),
        today=today("UTC"),
        unowned=len(unowned(SHOWN + 1)),
        may_change=access.settles_ownership(request),
        problem=problem,
        messages=[str(message) for message in messages.get_messages(request)],
    )


def _sources(request: HttpRequest) -> list[str]:
    """The sources of metrics this person may see, by name."""
    named = Source.objects.filter(metric_version__metric__in=access.metrics(request)).exclude(name="")
    return sorted(set(named.order_by().values_list("name", flat=True)))


@require_safe
def nobodys(request: HttpRequest) -> HttpResponse:
    """What no rule places, worst first; ?metric= shows one metric only."""
    seen = {version.metric.key: version for version in _versions(request)}
    key = request.GET.get("metric", "")
    chosen = seen.get(key)
    found = [one for one in unowned(SHOWN * 5, chosen.metric if chosen else None) if one.version.metric.key in seen]
    context = UnownedContext(
        lines=found[:SHOWN],
        more=len(found) > SHOWN,
        versions=list(seen.values()),
        metric=key if chosen else "",
        teams=list(Team.objects.visible_to(access.person(request)).leaves()),
        today=today("UTC"),
        may_change=access.settles_ownership(request),
        messages=[str(message) for message in messages.get_messages(request)],
    )
    return page(request, context)


def _versions(request: HttpRequest) -> Sequence[MetricVersion]:
    metrics = access.metrics(request)
    held = MetricVersion.objects.filter(current=True, metric__in=metrics, sources__team=None, sources__isnull=False)
    return list(held.select_related("metric").distinct().order_by("metric__key"))


@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """A change of ownership: previewed first (`do=preview`), then made (`do=make`)."""
    if not access.settles_ownership(request):
        raise Http404
    try:
        what, since, make = _asked(request)
        if request.POST.get("do") != "make":
            fields = ("kind", "pattern", "team", "source", "any_source", "since", "text", "flavor", "pk", "back")
            again = [(name, request.POST[name]) for name in fields if name in request.POST]
            return page(request, PreviewContext(what, since, preview(make), again))
        effect = make()
    except Unfit as unfit:
        return page(request, _context(request, str(unfit)), status=400)
    moved = sum(number for _, _, number in effect.items)
    messages.info(request, f"{what}. {moved} items changed hands, {len(effect.standings)} standings moved.")
    return redirect("unowned" if request.POST.get("back") == "unowned" else "ownership")


def _asked(request: HttpRequest) -> tuple[str, date, Callable[[], Effect]]:
    """The change that a form asks for: in words, from which day on, and made when called. Raises Unfit."""
    form, by, moment = request.POST, access.person(request), now()
    since = _day(form.get("since", ""))
    source = form.get("source", "").strip()
    if "\0" in source + form.get("text", "") + form.get("pattern", ""):
        raise Unfit("a text without NUL characters was expected")
    match form.get("kind"):
        case "pattern":
            team = get_object_or_404(Team.objects.visible_to(by).leaves(), key=form.get("team", ""))
            pattern = form.get("pattern", "")
            where = None if form.get("any_source") else source
            what = (
                f"{pattern} in {source or ('any source' if where is None else 'the default source')} is {team.name}'s"
            )
            return (
                what,
                since,
                lambda: add_pattern(pattern, team, source=where, since=since, now=moment, by=by, via="page"),
            )
        case "file":
            text, flavor = form.get("text", "").replace("\r\n", "\n"), form.get("flavor", "")
            if flavor not in ("", "github", "gitlab"):
                raise Http404
            what = f"The CODEOWNERS of {source or 'the default source'}"
            return (
                what,
                since,
                lambda: set_file(source, text, since=since, now=moment, by=by, flavor=flavor, via="page"),
            )
        case "end":
            row = get_object_or_404(OwnershipPattern.objects.select_related("team"), pk=_number(form.get("pk", "")))
            what = f"{row.pattern} is {row.team.name}'s no more"
            return what, since, lambda: end_pattern(row, since, now=moment, by=by, via="page")
    raise Http404


def _number(text: str) -> int:
    """A row's id out of a form, or 404."""
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Http404
    return int(text)


def _day(text: str) -> date:
    """The first day of a change; nothing means from the beginning. Raises Unfit."""
    if text in ("", "beginning", BEGINNING):
        return LONG_AGO
    try:
        return day_of(text)
    except ValueError:
        raise Unfit(f"a day as 2026-01-31 was expected, not {text[:20]!a}") from None
