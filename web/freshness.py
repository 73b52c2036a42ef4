"""What a program's page rests on, as one short word: it changes when the page might say something else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.templatetags.static import static

from nudges.models import Delivery
from program.models import Program
from reviews.models import Review
from teams.statements import fetch

DRAWN_FROM = (
    "templates/base.html", "templates/parts/*.html", "templates/pages/program.html", "web/pages/program.py",
    "web/dashboard.py", "web/heatmap.py", "web/overview.py", "web/program_effect.py", "reviews/*_words.py",
    "reviews/corrections.py", "reviews/meanwhile.py", "web/beside_brief.py",
    "program/wording.py", "program/rules/*.py", "teams/*.py",
)  # fmt: skip

NEWEST = """
SELECT
  (SELECT max(id) FROM teams_run), (SELECT max(id) FROM accounts_auditrow), (SELECT max(id) FROM teams_standing),
  (SELECT max(id) FROM nudges_nudge), (SELECT max(id) FROM nudges_delivery),
  (SELECT count(*) FROM nudges_delivery WHERE state IN (%s, %s, %s)),
  (SELECT count(*) FROM teams_goal WHERE judge_due_at IS NOT NULL AND program_id = %s),
  (SELECT max(starts_at) FROM reviews_review WHERE program_id = %s),
  (SELECT max(id) FROM reviews_effect WHERE program_id = %s), (SELECT max(id) FROM reviews_pace WHERE program_id = %s),
  (SELECT min(starts_at) FROM reviews_review WHERE program_id = %s AND state = %s AND starts_at > %s)
"""


def rests_on(program: Program, on: date, at: datetime) -> str:
    """Changes with all that the program's page says of a day. One query, whose cost does not grow with the program.

    Every arrival has its run, every change of goals, terms, owners or teams its audit row, and every day its new
    standings; what a change touches is due until it is judged. So the newest rows say whether anything is new.
    """
    key = program.pk
    ended = [str(state) for state in Delivery.NEVER_ARRIVED]
    moment = connection.ops.adapt_datetimefield_value(at)
    found = fetch(NEWEST, [*ended, key, key, key, key, key, str(Review.State.SCHEDULED), moment])
    return short([key, program.state, on, *found[0]])


def short(facts: Iterable[Any]) -> str:
    """A short word for facts, another one after the page is drawn by other code."""
    return hashlib.sha256(repr([drawn_by(), *facts]).encode()).hexdigest()[:32]


@cache
def drawn_by() -> str:
    """The code and the stylesheet that draw the page."""
    here = Path(settings.BASE_DIR)
    held = b"".join(path.read_bytes() for name in DRAWN_FROM for path in sorted(here.glob(name)))
    return hashlib.sha256(held + static("web/app.css").encode()).hexdigest()


def newest() -> tuple[Any, ...]:
    """The newest rows of what numbers rest on, and whether any waits to be judged. One query."""
    return tuple(fetch(NUMBERS, [])[0])


NUMBERS = """
SELECT
  (SELECT max(id) FROM teams_run), (SELECT max(id) FROM accounts_auditrow), (SELECT max(id) FROM teams_standing),
  (SELECT count(*) FROM teams_goal WHERE judge_due_at IS NOT NULL)
"""
