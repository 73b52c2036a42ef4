"""What a program's page rests on, as one short word: it changes when the page might say something else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, QuerySet, Subquery, Value
from django.templatetags.static import static

from accounts.models import AuditRow
from nudges.models import Delivery, Nudge
from program.models import Program
from reviews.models import Review
from teams.models import Goal, Run, Standing

DRAWN_FROM = ("templates/base.html", "templates/pages/program.html", "web/pages/program.py", "web/heatmap.py",
              "web/overview.py", "program/wording.py", "program/rules/*.py", "teams/*.py")  # fmt: skip


def rests_on(program: Program, on: date, at: datetime) -> str:
    """Changes with all that the program's page says of a day. One query, whose cost does not grow with the program.

    Every arrival has its run, and every change of goals, terms, owners or teams its audit row; what they touch is
    due until it is judged. So the newest rows say whether anything is new, and no standing need be read.
    """
    goals = Goal.objects.filter(program=program)
    coming = Review.objects.to_come(at).filter(program=program)
    newest = Program.objects.filter(pk=program.pk).values_list(
        _newest(Run), _newest(AuditRow), _newest(Nudge), _newest(Delivery),
        _count(Delivery.objects.filter(state__in=Delivery.NEVER_ARRIVED)),
        _count(goals.filter(judge_due_at__isnull=False)),
        Exists(Standing.objects.filter(goal__in=goals, day=on)),
        Subquery(coming.values("pk")[:1]), Subquery(coming.values("starts_at")[:1]),
    )  # fmt: skip
    return short([program.pk, program.state, on, *newest.get()])


def short(facts: Iterable[Any]) -> str:
    """A short word for facts, another one after the page is drawn by other code."""
    return hashlib.sha256(repr([drawn_by(), *facts]).encode()).hexdigest()[:32]


@cache
def drawn_by() -> str:
    """The code and the stylesheet that draw the page."""
    here = Path(settings.BASE_DIR)
    held = b"".join(path.read_bytes() for name in DRAWN_FROM for path in sorted(here.glob(name)))
    return hashlib.sha256(held + static("web/app.css").encode()).hexdigest()


def _newest(model: Any) -> Subquery:
    return Subquery(model.objects.order_by("-pk").values("pk")[:1])


def _count(rows: QuerySet[Any]) -> Subquery:
    return Subquery(rows.order_by().annotate(every=Value(1)).values("every").annotate(n=Count("pk")).values("n"))
