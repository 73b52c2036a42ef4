"""The audit log as people read it: whose rows somebody may see, what was asked for, and a change in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from accounts.models import AuditRow, User
from nudges.models import Delivery
from program.models import Feed, Metric, Program
from web import grants

LONGEST = 200
"""Characters of a value that are shown; the exports have all of it."""


class Of(Enum):
    """What a kind of row is of, which says how its key begins or ends."""

    PROGRAM = "a program"
    METRIC = "a metric"
    FEED = "a feed"
    ITEM = "an item of a team's metric"
    GRANT = "a token or a share link"
    MAIL = "a mail"
    ORG = "the organization"


KINDS: Mapping[str, Of] = {
    **dict.fromkeys(
        (
            "program", "program file", "owner", "wave", "wave teams", "goal rule", "goal", "goal terms", "exemption",
            "proposal", "ask", "goals", "waiting teams", "answer", "agenda", "notes", "decision",
            "attendance", "minutes", "review", "invite", "priority", "pulse", "sponsor", "cost",
        ),
        Of.PROGRAM,
    ),
    **dict.fromkeys(
        ("metric", "metric version", "playbook", "re-baseline", "source", "dispute", "hold"), Of.METRIC
    ),
    **dict.fromkeys(("feed", "feed metrics", "feed credential"), Of.FEED),
    "taken item": Of.ITEM,
    **dict.fromkeys(("token", "share link"), Of.GRANT),
    "outbox": Of.MAIL,
    **dict.fromkeys(
        (
            "team", "membership", "component", "ownership file", "ownership pattern", "program limit", "score",
            "person", "nudges", "instance", "calendar address",
        ),
        Of.ORG,
    ),
}  # fmt: skip
"""Every kind of audit row there is; a test reads the code for others."""


@dataclass(frozen=True)
class Asked:
    """What the log is narrowed to; an empty text or no day narrows nothing."""

    kind: str = ""
    key: str = ""
    who: str = ""
    via: str = ""
    text: str = ""
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Difference:
    """One thing that changed: its name, and what it was and is, in words ('' where there was or is nothing)."""

    name: str
    before: str
    after: str


def visible_to(user: User) -> QuerySet[AuditRow]:
    """To an administrator every row, to an owner what concerns their programs, to others none."""
    rows = AuditRow.objects.select_related("actor")
    if user.is_superuser and not user.reads_only:
        return rows
    run = Program.objects.run_by(user)
    programs = list(run.values_list("key", flat=True))
    if not programs:
        return rows.none()
    metrics = list(Metric.objects.filter(program__in=run).values_list("key", flat=True))
    feeds = Feed.objects.filter(program__in=run).order_by()
    mails = Delivery.objects.visible_to(user).filter(Q(program__in=run) | Q(digest__nudges__goal__program__in=run))
    concerns = (
        _of(Of.PROGRAM) & _begins(programs, "/", "#")
        | _of(Of.METRIC) & _begins(metrics, " v", " of ", "/")
        | _of(Of.FEED) & Q(key__in=feeds.values("key"))
        | _of(Of.GRANT) & Q(key__in=[*grants.prefixes_of(user, programs, list(feeds.values_list("key", flat=True)))])
        | _of(Of.MAIL) & Q(key__in=mails.order_by().values("message_id"))
    )
    for metric in metrics:
        concerns |= _of(Of.ITEM) & Q(key__endswith=f"/{metric}")
    return rows.filter(concerns)


def _of(what: Of) -> Q:
    return Q(kind__in=[kind for kind, of in KINDS.items() if of is what])


def _begins(keys: Sequence[str], *after: str) -> Q:
    """Keys that are one of these, or go on after one of them with what no key itself holds."""
    found = Q(key__in=keys)
    for key in keys:
        for mark in after:
            found |= Q(key__startswith=f"{key}{mark}")
    return found


def narrowed(rows: QuerySet[AuditRow], asked: Asked) -> QuerySet[AuditRow]:
    """The rows that were asked for, newest first."""
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.key:
        rows = rows.filter(key__icontains=asked.key)
    if asked.who:
        rows = rows.filter(Q(actor__email__icontains=asked.who) | Q(actor__name__icontains=asked.who))
    if asked.via:
        rows = rows.filter(via__icontains=asked.via)
    if asked.first:
        rows = rows.filter(at__gte=_midnight(asked.first))
    if asked.last:
        rows = rows.filter(at__lt=_midnight(asked.last + timedelta(days=1)))
    if asked.text:
        rows = rows.annotate(was=Cast("before", TextField()), became=Cast("after", TextField()))
        found = Q(reason__icontains=asked.text) | Q(key__icontains=asked.text)
        for text in {asked.text, json.dumps(asked.text)[1:-1]}:  # SQLite keeps JSON in ASCII
            found |= Q(was__icontains=text) | Q(became__icontains=text)
        rows = rows.filter(found)
    return rows.order_by("-at", "-pk")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def after_row(rows: QuerySet[AuditRow], at: datetime, pk: int) -> QuerySet[AuditRow]:
    """The rows that come after a row in this order, which go on where a page ended, whatever was added since."""
    return rows.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk))


def differences(row: AuditRow) -> list[Difference]:
    """What a row says changed, one line a name; what stayed is left out."""
    before, after = row.before, row.after
    if not isinstance(before, dict) and not isinstance(after, dict):
        return [Difference("", _said(before), _said(after))] if (before, after) != (None, None) else []
    was = before if isinstance(before, dict) else {} if before is None else {"": before}
    became = after if isinstance(after, dict) else {} if after is None else {"": after}
    return list(_changed(was, became))


def _changed(was: Mapping[str, Any], became: Mapping[str, Any]) -> Iterator[Difference]:
    for name in [*became, *(name for name in was if name not in became)]:
        old, new = was.get(name), became.get(name)
        if old == new or (old in EMPTY and new in EMPTY):
            continue
        if isinstance(old, list) and isinstance(new, list):
            old, new = [one for one in old if one not in new], [one for one in new if one not in old]
        yield Difference(str(name), _said(old), _said(new))


EMPTY: tuple[Any, ...] = (None, "", [], {})


def _said(value: Any) -> str:
    """A value in words, at most a few lines of it."""
    if value in EMPTY:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        text = ", ".join(map(str, value))
    elif isinstance(value, str | int | float):
        text = str(value)
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
