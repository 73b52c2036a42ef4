"""The form of a metric on its owners' desk: what it measures, its playbook, and how its numbers arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts.clock import now, today
from accounts.models import User
from program import wording
from program.models import Feed, Metric, MetricVersion, Program
from program.trackers import TRACKERS
from teams import lifecycle, redefining
from teams.apply import metrics as as_code
from teams.apply.changes import Changes
from teams.apply.metrics import MetricSpec
from teams.redefining import Opening
from web import access, feed_links, metric_form
from web.desk import address
from web.render import page


@dataclass
class Context:
    """The form. `faults` say by field what was expected; `opens` is the version that keeping it would open."""

    template: ClassVar[str] = "pages/desk-metric.html"
    here: ClassVar[str] = "programs"
    program: Program
    metric: Metric | None
    version: MetricVersion | None
    sentence: str
    values: Mapping[str, str]
    hints: Sequence[str]
    people: Sequence[User]
    feeds: Sequence[Feed]
    others: Sequence[Metric]
    sample: str
    rows: str
    messages: Sequence[str]
    aggregations: Sequence[tuple[str, str]]
    trackers: Sequence[tuple[str, str]]
    expected: Mapping[str, str]
    new_goals: str
    ended: bool
    faults: Mapping[str, str] = field(default_factory=dict)
    opens: Opening | None = None


@require_http_methods(["GET", "HEAD", "POST"])
def metric(request: HttpRequest, key: str, metric_key: str = "") -> HttpResponse:
    """Define a metric, or change one: `do=look` says what it would mean; another definition asks to be confirmed."""
    # A metric goes on when the program that defined it is over: another one, or its guard, may use it.
    program = access.owned_program(request, key) if metric_key else access.desk_program(request, key)
    found = access.owned_metric(request, metric_key) if metric_key else None
    if found is not None and found.program_id != program.pk:
        raise Http404
    if found is None and lifecycle.has_ended(program):
        return redirect("desk", program.key)
    if request.method != "POST":
        return page(request, _context(request, program, found, metric_form.values_of(found)))
    values = {name: request.POST.get(name, "") for name in metric_form.FORM}
    if found is not None:
        values["key"] = found.key
    with_playbook = found is not None and hasattr(found, "playbook")
    spec, faults = metric_form.read(values, with_playbook=with_playbook)
    if spec is not None:
        faults = _beside_others(spec, program, found)
    opens = redefining.opening(found, spec) if found is not None and spec is not None and not faults else None
    if request.POST.get("do") == "look":
        return _look(request, _context(request, program, found, values, faults, opens))
    confirmed = opens is None or request.POST.get("confirm") == str(opens.number)
    if spec is None or faults or not confirmed:
        shown = _context(request, program, found, values, faults, opens)
        return page(request, shown, status=400 if faults else 200)
    return _keep(request, program, found, spec, values)


def _beside_others(spec: MetricSpec, program: Program, found: Metric | None) -> dict[str, str]:
    """What is wrong with a metric beside what is there: its key, and the goals that rest on it."""
    taken = metric_form.owned_elsewhere(spec, program, found)
    blocked = redefining.in_the_way(found, spec) if found is not None else ""
    return {name: what for name, what in (("key", taken), ("aggregation", blocked)) if what}


def _look(request: HttpRequest, context: Context) -> HttpResponse:
    """What it would mean: as JSON for a script that asks while somebody types, else the form again."""
    if request.headers.get("Accept") == "application/json":
        said = [*(context.opens.said() if context.opens else ()), *context.hints]
        return JsonResponse({"said": said, "faults": context.faults})
    return page(request, context, status=400 if context.faults else 200)


def _keep(
    request: HttpRequest, program: Program, found: Metric | None, spec: MetricSpec, values: Mapping[str, str]
) -> HttpResponse:
    changes = Changes(now(), "page", access.person(request))
    try:
        with transaction.atomic():
            kept = as_code.put(program, spec, changes)
    except IntegrityError:  # two made a metric of this key at once: the other was first
        taken = {"key": f"{spec.key} was defined a moment ago; another key was expected"}
        return page(request, _context(request, program, found, values, taken), status=400)
    opened = [change.key for change in changes.made if change.kind == "metric version" and change.before is None]
    said = "Kept." if changes.made else "Nothing changed."
    if opened and found is not None:
        said = f"Kept: {opened[0]} is open. Re-baseline its goals when its first numbers are in."
    messages.info(request, said)
    return redirect("desk-metric", program.key, kept.key)


def _context(
    request: HttpRequest,
    program: Program,
    found: Metric | None,
    values: Mapping[str, str],
    faults: Mapping[str, str] | None = None,
    opens: Opening | None = None,
) -> Context:
    version = found.versions.get(current=True) if found else None
    others = [] if found else list(access.metrics(request).exclude(program=program).select_related("program"))
    return Context(
        program=program,
        metric=found,
        version=version,
        sentence=_sentence(found, version),
        values=values,
        hints=metric_form.hints(values),
        people=access.suggested(request),
        feeds=list(access.feeds(request).filter(metrics=found)) if found else [],
        others=others,
        sample=_sample(found, version),
        rows=feed_links.of_rows(program, [found.key]) if found else "",
        messages=[str(message) for message in messages.get_messages(request)],
        aggregations=[(name, f"{name}: {said}") for name, said in metric_form.AGGREGATIONS.items()],
        trackers=metric_form.TRACKER_CHOICES,
        expected={tracker.title: tracker.expects for tracker in TRACKERS.values()},
        new_goals=address("desk-goals-new", program.key),
        ended=lifecycle.has_ended(program),
        faults=faults or {},
        opens=opens,
    )


def _sentence(found: Metric | None, version: MetricVersion | None) -> str:
    """The page's first line: what rests on the metric."""
    if found is None or version is None:
        return "A metric is a definition that two people would measure alike, and a playbook that says how to move it."
    goals, older = redefining.resting_on(found)
    if older:
        verb = "is" if older == 1 else "are"
        return f"{wording.count(older, 'goal')} {verb} still on an older version, and stale until re-baselined."
    if not goals:
        return "No goal rests on it yet: it can be changed freely."
    verb = "rests" if goals == 1 else "rest"
    said = wording.count(goals, "goal")
    return f"{said} {verb} on version {version.number}. Another definition opens another version."


def _sample(found: Metric | None, version: MetricVersion | None) -> str:
    """One line of observations, as the first number could be sent."""
    if found is None or version is None:
        return ""
    numbers = "12,40" if version.aggregation == "ratio" else "12,"
    item = "" if version.aggregation == "latest" else "lib/webhooks.py"
    return f"metric,team,item,as_of,numerator,denominator\n{found.key},TEAM,{item},{today('UTC').isoformat()},{numbers}"
