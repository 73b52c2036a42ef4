"""A composite score of all teams, to zoom out with: each beside the parts it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.clock import today
from program import wording
from program.models import ScoreVersion
from teams.models import Team
from teams.quality import TeamScore, in_force, scores
from web import access
from web.render import page


@dataclass
class Context:
    """The score of every team on a day."""

    template: ClassVar[str] = "pages/score.html"
    here: ClassVar[str] = "teams"
    version: ScoreVersion
    versions: int
    on: date
    today: date
    lines: Sequence[TeamScore]
    names: Sequence[tuple[str, str, str]]
    ranges: Sequence[str]


@require_safe
def score(request: HttpRequest, key: str) -> HttpResponse:
    """Every team's score with its parts, on a day."""
    present = today("UTC")
    on = access.day(request, present)
    version = None if "\0" in key else in_force(key, on)
    seen = access.scores(request)
    if version is None or version not in seen:
        raise Http404
    teams = list(Team.objects.visible_to(access.person(request)).leaves())
    found = scores(version, teams, on)
    parts = {part.metric: part.name for part in found[0].parts} if found else {}
    total = sum(part["weight"] for part in version.parts) or 1
    names = [
        (part["metric"], parts.get(part["metric"], part["metric"]), f"{part['weight'] / total:.0%}")
        for part in version.parts
        if part["metric"] in parts
    ]
    versions = sum(one.key == key for one in seen)
    return page(request, Context(version, versions, on, present, found, names, _ranges(version, found)))


def _ranges(version: ScoreVersion, found: Sequence[TeamScore]) -> list[str]:
    """From which value on a part gives points, and where it gives all of them, in words."""
    said = []
    for part in found[0].parts if found else ():
        limits = next(one for one in version.parts if one["metric"] == part.metric)
        none, every = (wording.value(limits[name], part.unit, part.aggregation) for name in ("zero", "full"))
        said.append(f"{part.name}: none at {none}, all at {every}")
    return said
