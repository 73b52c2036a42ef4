"""Badges: how a team or one goal stands in a few words, a shape and a color, as an SVG of our own and for Shields."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.template.loader import render_to_string

from program import wording
from program.models import MetricVersion
from teams.models import Goal, Standing, Team

COLORS = {
    "overdue": "#b3261e", "behind": "#b3261e", "at risk": "#8a5300", "on track": "#1f5fa8", "met": "#146c43",
}  # fmt: skip
"""White text is legible on each; what is not among them is gray."""
GRAY = "#565f69"
SHAPES = {
    "overdue": "M5 0 10 5 5 10 0 5Z",
    "behind": "M5 1 10 10H0Z",
    "at risk": "M5 1 10 10H5Z",
    "on track": "M5 1a4 4 0 1 0 .01 0Z",
    "met": "M1 5 4 8 9 2",
    "upcoming": "M2 1 9 5 2 9Z",
    "exempt": "M1 5H9",
}
"""Paths in a box of ten by ten; a status without one is a ring."""
OUTLINED = frozenset({"at risk", "met", "upcoming", "exempt"})
LONGEST = 60
HEIGHT, PAD, SHAPE = 20, 7, 15


@dataclass(frozen=True)
class Badge:
    """What a badge says: of whom, how it stands in words, and the status that gives its shape and color."""

    label: str
    message: str
    status: str = ""

    @property
    def color(self) -> str:
        """The color of its status."""
        return COLORS.get(self.status, GRAY)


UNKNOWN = Badge("goals", "unknown: this badge is over")


def of_team(key: str) -> Badge | None:
    """How a team's goals stand, of the programs that everybody may see; None if there is no such team. Two queries."""
    team = Team.objects.leaves().filter(key=key).first()
    if team is None:
        return None
    goals = Goal.objects.shared_widely().on_scorecards().filter(team=team)
    newest = Standing.objects.filter(goal__in=goals, day=F("goal__judged_on")).order_by()
    counts = Counter(newest.values_list("status", flat=True))
    return Badge(team.name, *_said(counts))


def _said(counts: Counter[str]) -> tuple[str, str]:
    """The goals in words, and the worst status among them."""
    number = counts.total()
    behind, risk, fine = counts["behind"] + counts["overdue"], counts["at risk"], counts["met"] + counts["on track"]
    if not number:
        return "no goal judged yet", ""
    of = f"of {wording.count(number, 'goal')}"
    if behind:
        return f"{behind} {of} behind", "overdue" if counts["overdue"] else "behind"
    if risk:
        return f"{risk} {of} at risk", "at risk"
    if fine < number:
        return f"{fine} {of} on the path", "on track" if fine else "no data"
    all_met = counts["met"] == number
    if number == 1:
        return ("its one goal is met", "met") if all_met else ("its one goal is on its path", "on track")
    return (f"all {number} goals met", "met") if all_met else (f"all {number} on their path", "on track")


def of_goal(program: str, metric: str, team: str) -> Badge | None:
    """How one goal stands; None unless it is a goal that everybody may see. Two queries."""
    goals = Goal.objects.shared_widely().on_scorecards()
    mine = goals.filter(program__key=program, metric__key=metric, team__key=team)
    newest = Standing.objects.filter(goal__in=mine, day=F("goal__judged_on")).values_list("status", "value")
    version = MetricVersion.objects.filter(current=True, metric__key=metric).select_related("metric").first()
    found = newest.first()
    if version is None or (found is None and not mine.exists()):
        return None
    status, value = found or ("", None)
    said = wording.value(value, version.unit, version.aggregation) if value is not None else ""
    return Badge(version.metric.name, ", ".join(part for part in (said, status) if part) or "not judged yet", status)


def of_scope(scope: str) -> Badge | None:
    """The badge that a link's scope names: "badge:team:KEY" or "badge:goal:PROGRAM/METRIC/TEAM"."""
    kind, _, rest = scope.removeprefix("badge:").partition(":")
    if kind == "team":
        return of_team(rest)
    program, _, rest = rest.partition("/")
    metric, _, team = rest.partition("/")
    return of_goal(program, metric, team)


def shields(badge: Badge) -> dict[str, Any]:
    """What the endpoint of Shields reads."""
    said = {"schemaVersion": 1, "label": badge.label, "message": badge.message, "color": badge.color.lstrip("#")}
    return said | ({"isError": True} if badge is UNKNOWN else {})


def svg(badge: Badge) -> str:
    """The badge as a picture: the label on gray, the words on their color, a shape before them."""
    label, message = _short(badge.label), _short(badge.message)
    left, right = width(label) + 2 * PAD, width(message) + 2 * PAD + SHAPE
    return render_to_string(
        "badges/badge.svg",
        {
            "label": label, "message": message, "color": badge.color, "left": left, "right": right, "height": HEIGHT,
            "pad": PAD, "text_at": left + PAD + SHAPE, "label_width": width(label), "message_width": width(message),
            "shape": SHAPES.get(badge.status, ""), "outlined": badge.status in OUTLINED, "ring": not badge.status
            or badge.status not in SHAPES,
        },
        using="jinja2",
    )  # fmt: skip


def _short(text: str) -> str:
    clean = "".join(" " if unicodedata.category(one).startswith("C") else one for one in text)
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 1]}…"


# How wide the letters of Verdana and its like are at 11 px, by groups of about one width.
WIDTHS = {
    **dict.fromkeys("ijlI|!.,:;'` ", 3.9),
    **dict.fromkeys('ftr()[]/\\-"*', 4.8),
    **dict.fromkeys("cksvxyzJ", 5.9),
    **dict.fromkeys("mwMW@%…", 10.6),
    **dict.fromkeys("ABCDEFGHKLNOPQRSTUVXYZ&+=<>~#", 8.0),
}
ELSE, WIDE = 6.9, 11.5


def width(text: str) -> int:
    """The pixels that a text takes; the picture holds its text to them, whatever the reader's fonts are."""
    return round(sum(_of_letter(one) for one in text))


def _of_letter(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in ("W", "F"):
        return WIDE
    plain = unicodedata.normalize("NFD", letter)[:1] or letter
    return WIDTHS.get(plain, ELSE)
