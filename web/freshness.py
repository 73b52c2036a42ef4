"""What a program's page rests on, as one short word: it changes when the page might say something else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.templatetags.static import static

from accounts.models import AuditRow
from nudges.models import Nudge
from program.models import Program
from reviews.models import Review
from teams.models import Goal, Run, Standing

NUDGES_OF = timedelta(days=28)
DRAWN_FROM = ("templates/base.html", "templates/pages/program.html", "web/pages/program.py", "web/heatmap.py",
              "web/overview.py", "program/wording.py")  # fmt: skip


def judged(program: Program, on: date, at: datetime) -> str:
    """Changes with the program's numbers on a day: newest run and audit row, standings of the day, what is due.

    Every change of goals, terms, owners and teams has its audit row, and every arrival its run, so that one query
    on their newest rows says it all. The nudges of the last weeks and the next review are in it too.
    """
    of_it = {"goal__program": OuterRef("pk")}
    lately = Q(goal__program=OuterRef("pk"), day__gt=on - NUDGES_OF, day__lte=on)
    coming = Review.objects.to_come(at).filter(program=OuterRef("pk"))
    facts = Program.objects.filter(pk=program.pk).values_list(
        _newest(Run), _newest(AuditRow),
        _one(Standing.objects.filter(**of_it, day=on), Max("judged_at")),
        _one(Goal.objects.filter(program=OuterRef("pk"), judge_due_at__isnull=False), Count("pk")),
        _one(Nudge.objects.filter(lately, state=Nudge.State.SAID), Count("pk")),
        _one(Nudge.objects.filter(lately), Max("pk")),
        Subquery(coming.values("pk")[:1]), Subquery(coming.values("starts_at")[:1]),
    )  # fmt: skip
    return short([program.pk, program.state, on, *facts.get()])


def short(facts: Iterable[Any]) -> str:
    """A short word for facts."""
    return hashlib.sha256(repr([drawn_by(), *facts]).encode()).hexdigest()[:32]


@cache
def drawn_by() -> str:
    """The code and the stylesheet that draw the page: after an update no browser keeps the old one."""
    held = b"".join((Path(settings.BASE_DIR) / name).read_bytes() for name in DRAWN_FROM)
    return hashlib.sha256(held + static("web/app.css").encode()).hexdigest()


def _newest(model: Any) -> Subquery:
    return Subquery(model.objects.order_by("-pk").values("pk")[:1])


def _one(rows: QuerySet[Any], figure: Any) -> Subquery:
    """An aggregate over rows of the outer program, as a subquery of one value."""
    return Subquery(rows.order_by().annotate(every=Value(1)).values("every").annotate(one=figure).values("one"))
