"""A metric: what it means, whether to trust it, and what its owner settles: disputes, holds, sources, versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from time import perf_counter
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.clock import day_of, latest_today, now, today
from program import wording
from program.models import Metric, Playbook
from teams import reorganizing, roles, trust
from teams.goal_facts import goals_on
from teams.models import Dispute, Hold, Source, Team
from teams.reproducing import Report, reproduce
from teams.trust_panel import Panel, panel, rebaseline
from web import access
from web.render import page

SECONDS = 15.0
LONGEST = 2000


@dataclass
class Context:
    """The page of a metric. `report` is what came of reading its payloads again, `unread` the runs not read yet."""

    template: ClassVar[str] = "pages/metric.html"
    here: ClassVar[str] = "programs"
    panel: Panel
    metric: Metric
    playbook: Playbook | None
    on: date
    sentence: str
    is_owner: bool
    first: date
    messages: Sequence[str]
    report: Report | None = None
    unread: bool = False


@dataclass
class DisputeContext:
    """The form to say that a number is wrong."""

    template: ClassVar[str] = "pages/dispute.html"
    here: ClassVar[str] = "teams"
    team: Team
    metric: Metric
    value_now: float | None
    unit: str
    aggregation: str
    as_of: date | None
    item: str
    text: str
    problem: str = ""


@require_safe
def metric(request: HttpRequest, key: str) -> HttpResponse:
    """What a metric means, and whether to trust it."""
    return page(request, _context(request, access.metric(request, key)))


def _context(request: HttpRequest, found: Metric) -> Context:
    facts = panel(found, now(), access.feeds(request))
    day = today("UTC")
    return Context(
        panel=facts,
        metric=found,
        playbook=Playbook.objects.filter(metric=found).select_related("expert").first(),
        on=day,
        sentence=_sentence(facts, day),
        is_owner=access.owns(access.person(request), found.program),
        first=day - timedelta(days=90),
        messages=[str(message) for message in messages.get_messages(request)],
    )


def _sentence(facts: Panel, day: date) -> str:
    """The page's first line: the gravest doubt, or that there is none."""
    failing = [feed for feed in facts.feeds if feed.failures]
    if failing:
        return f"Its feed {failing[0].name} is failing: the last values stand, and nobody is nudged for them."
    if facts.disputes:
        number = len(facts.disputes)
        return f"{wording.count(number, 'value')} {'is' if number == 1 else 'are'} disputed: its owner is asked."
    if facts.holds:
        return "Some values moved far more sharply than ever before: nudges on them rest until they are confirmed."
    if facts.outdated_goals:
        said = wording.count(facts.outdated_goals, "goal")
        return f"{said} {'is' if facts.outdated_goals == 1 else 'are'} on an older version: re-baseline below."
    if facts.newest is None:
        return "Nothing was measured yet."
    behind = facts.teams_stale + facts.teams_silent
    if behind:
        return f"{behind} of {facts.teams_wanted} teams have no fresh value."
    when = wording.days_ago((day - facts.newest).days)
    return f"Nothing speaks against these numbers: last measured {when}, of every team that has a goal."


@require_POST
def answer(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Answer a dispute."""
    found = access.owned_metric(request, key)
    row = get_object_or_404(Dispute.objects.select_related("metric", "team"), metric=found, pk=pk)
    what, text = request.POST.get("answer", ""), request.POST.get("text", "").strip()[:LONGEST]
    if what not in Dispute.Answer.values or not text or "\0" in text:
        messages.info(request, "An answer and a word of why were expected: nothing was answered.")
        return redirect("metric", found.key)
    done = trust.answer(row, what=what, text=text, by=access.person(request), now=now())
    goes_on = "it stays held until it is mended." if what == Dispute.Answer.WRONG else "nudges on it go on."
    messages.info(request, f"Answered: {goes_on}" if done else "Somebody answered it before.")
    return redirect("metric", found.key)


@require_POST
def confirm(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Say that the numbers behind a hold are right."""
    found = access.owned_metric(request, key)
    trust.confirm(get_object_or_404(Hold, metric=found, pk=pk), access.person(request), now())
    messages.info(request, "Confirmed: nudges on it go on.")
    return redirect("metric", found.key)


@require_POST
def retire(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Let a source count no more from a day on; an empty day lets it count again."""
    found = access.owned_metric(request, key)
    source = get_object_or_404(
        Source.objects.select_related("team", "metric_version__metric"), pk=pk, metric_version__metric=found
    )
    text = request.POST.get("on", "")
    try:
        day = day_of(text) if text else None
    except ValueError:
        raise Http404 from None
    reorganizing.retire(source, day, now=now(), by=access.person(request), via="page")
    name = source.name or "The default source"
    messages.info(
        request,
        f"{name} of {source.team or 'nobody'} counts " + (f"no more from {wording.day(day)} on." if day else "again."),
    )
    return redirect("metric", found.key)


@require_POST
def judge_on_current(request: HttpRequest, key: str) -> HttpResponse:
    """Re-baseline the goals that are still on an older version; a reason is asked for."""
    found = access.owned_metric(request, key)
    reason = request.POST.get("reason", "").strip()[:LONGEST]
    if not reason:
        messages.info(request, "A reason was expected: nothing was changed.")
        return redirect("metric", found.key)
    changed = rebaseline(found, by=access.person(request), reason=reason, now=now())
    messages.info(request, f"{changed} goals are on the present version; their baselines come with the next judgment.")
    return redirect("metric", found.key)


@require_POST
def again(request: HttpRequest, key: str) -> HttpResponse:
    """Read the kept payloads of some days again, for fifteen seconds at most, and compare them with what is stored."""
    found = access.owned_metric(request, key)
    context = _context(request, found)
    try:
        first = day_of(request.POST.get("from") or "1970-01-01")
        last = day_of(request.POST.get("to") or latest_today().isoformat())
    except ValueError:
        raise Http404 from None
    until = perf_counter() + SECONDS
    for report in reproduce(found, first, last, now()):
        context.report = report
        if perf_counter() > until:
            context.unread = True
            break
    context.first = first
    return page(request, context)


@require_http_methods(["GET", "HEAD", "POST"])
def dispute(request: HttpRequest, key: str, metric_key: str) -> HttpResponse:
    """“This number is wrong”: ask the metric's owner about a team's value; nudges on it rest until they answer."""
    team, found = access.team(request, key), access.metric(request, metric_key)
    if not roles.acts_in(access.person(request), team):
        raise Http404
    present = today(team.time_zone)
    facts = next(
        (goal for goal in goals_on(team, present, present, access.goals(request)) if goal.metric == found.pk), None
    )
    if facts is None:
        raise Http404
    item, text = request.POST.get("item", request.GET.get("item", ""))[:1000], request.POST.get("text", "").strip()
    context = DisputeContext(
        team, found, facts.value, facts.unit, facts.aggregation, facts.as_of, item.replace("\0", ""), text[:LONGEST]
    )
    if request.method != "POST":
        return page(request, context)
    if not text or "\0" in text:
        context.problem = "Say what is wrong with it, so that its owner can look: a word was expected."
        return page(request, context, status=400)
    trust.dispute(
        found, team, text=context.text, by=access.person(request), now=now(), item=context.item, value=facts.value,
        as_of=facts.as_of,
    )  # fmt: skip
    messages.info(request, f"Told the owner of {found.name}. Until they answer, nobody is nudged for it.")
    return redirect("team", team.key)
