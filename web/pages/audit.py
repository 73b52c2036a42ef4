"""The audit log: every change, who made it, when, before, after and why; narrowed, paged and exported."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from accounts.clock import day_of, now
from accounts.models import AuditRow
from web import access, changes
from web.access import EARLIEST, LATEST
from web.changes import Asked, Difference
from web.heatmap import safe
from web.render import page

SHOWN = 50
LONGEST = 200
PLACE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}\+00:00)~([0-9]{1,18})", re.ASCII)
HEAD = ("at", "who", "via", "kind", "key", "before", "after", "reason")
TEXTS = ("kind", "key", "who", "via", "text")


@dataclass(frozen=True)
class Line:
    """One row, and what it says changed."""

    row: AuditRow
    differences: Sequence[Difference]


@dataclass
class Context:
    """A page of the log. `asked` is what was typed, `query` the same as an address has it, `older` goes on."""

    template: ClassVar[str] = "pages/audit.html"
    here: ClassVar[str] = "audit"
    lines: Sequence[Line]
    sentence: str
    kinds: Sequence[str]
    asked: dict[str, str]
    query: str
    older: str
    is_first: bool
    everything: bool
    problem: str


class Unfit(Exception):
    """What was asked for cannot be looked for; the text says what was expected."""


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The newest changes first."""
    rows, typed = _seen(request), _typed(request)
    try:
        asked, problem = _asked(typed), ""
    except Unfit as unfit:
        asked, problem = Asked(), str(unfit)
    found = changes.narrowed(rows, asked)
    if place := request.GET.get("after", ""):
        found = changes.after_row(found, *_place(place))
    held = [] if problem else list(found[: SHOWN + 1])
    query = urlencode({name: value for name, value in typed.items() if value})
    context = Context(
        lines=[Line(row, changes.differences(row)) for row in held[:SHOWN]],
        sentence=_sentence(held, narrowed=bool(query), first=not place),
        kinds=sorted(changes.KINDS),
        asked=typed,
        query=query,
        older=_after(held[SHOWN - 1]) if len(held) > SHOWN else "",
        is_first=not place,
        everything=access.person(request).is_superuser,
        problem=problem,
    )
    return page(request, context, status=400 if problem else 200)


@require_safe
def export_csv(request: HttpRequest) -> StreamingHttpResponse:
    """What is asked for, all of it, as CSV."""
    return _export(_csv(_all_asked(request)), "text/csv; charset=utf-8", "csv")


@require_safe
def export_lines(request: HttpRequest) -> StreamingHttpResponse:
    """What is asked for, all of it, as JSON, a line a row."""
    return _export(_json(_all_asked(request)), "application/x-ndjson", "jsonl")


def _seen(request: HttpRequest) -> QuerySet[AuditRow]:
    """The rows of this person's log, or 404 where they have none."""
    user = access.person(request)
    if user.reads_only or not (user.is_superuser or user.owned.exists()):
        raise Http404
    return changes.visible_to(user)


def _typed(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "").strip()[:LONGEST] for name in (*TEXTS, "from", "to")}


def _asked(typed: dict[str, str]) -> Asked:
    """What the form asks for. Raises Unfit."""
    if any("\0" in value for value in typed.values()):
        raise Unfit("A text without NUL characters was expected.")
    if typed["kind"] and typed["kind"] not in changes.KINDS:
        raise Unfit(f"{typed['kind'][:40]} is no kind of change that is kept.")
    days = []
    for name in ("from", "to"):
        try:
            days.append(day_of(typed[name]) if typed[name] else None)
        except ValueError:
            raise Unfit(f"A day as 2026-01-31 was expected, not {typed[name][:20]}.") from None
        if days[-1] and not EARLIEST <= days[-1] <= LATEST:
            raise Unfit(f"A day from {EARLIEST} to {LATEST} was expected.")
    return Asked(**{name: typed[name] for name in TEXTS}, first=days[0], last=days[1])


def _all_asked(request: HttpRequest) -> Iterable[AuditRow]:
    """Every row that is asked for, read as it is sent. 404 where the question makes no sense."""
    try:
        return changes.narrowed(_seen(request), _asked(_typed(request))).iterator(chunk_size=1000)
    except Unfit as unfit:
        raise Http404(str(unfit)) from None


def _place(text: str) -> tuple[datetime, int]:
    """Where a page goes on: after the row of this moment and id."""
    match = PLACE.fullmatch(text)
    try:
        if match:
            return datetime.fromisoformat(match[1]), int(match[2])
    except ValueError:
        pass
    raise Http404("that is no place in the log")


def _after(row: AuditRow) -> str:
    return f"{row.at.isoformat()}~{row.pk}"


def _sentence(held: Sequence[AuditRow], *, narrowed: bool, first: bool) -> str:
    """How much there is: the page itself is not counted any further than it goes."""
    if not held:
        return "No change matches." if narrowed else "Nothing was changed yet." if first else "There is nothing older."
    more = len(held) > SHOWN
    number = (
        f"{'The newest ' if more and first else ''}{min(len(held), SHOWN)} {'change' if len(held) == 1 else 'changes'}"
    )
    matching = " that match" if narrowed and len(held) != 1 else " that matches" if narrowed else ""
    return f"{number}{matching}, newest first."


def _export(lines: Iterator[str], media_type: str, ending: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(lines, content_type=media_type)
    answer["Content-Disposition"] = f'attachment; filename="audit-{now().date().isoformat()}.{ending}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _csv(rows: Iterable[AuditRow]) -> Iterator[str]:
    text = io.StringIO(newline="")
    line = csv.writer(text)
    line.writerow(HEAD)
    for row in rows:
        line.writerow([safe(cell) for cell in _cells(row)])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def _cells(row: AuditRow) -> list[str]:
    who = row.actor.email if row.actor else ""
    was, became = ("" if one is None else json.dumps(one, ensure_ascii=False) for one in (row.before, row.after))
    return [row.at.isoformat(), who, row.via, row.kind, row.key, was, became, row.reason]


def _json(rows: Iterable[AuditRow]) -> Iterator[str]:
    for row in rows:
        facts = {
            "id": row.pk, "at": row.at.isoformat(), "who": row.actor.email if row.actor else None, "via": row.via,
            "kind": row.kind, "key": row.key, "before": row.before, "after": row.after, "reason": row.reason,
        }  # fmt: skip
        yield json.dumps(facts, ensure_ascii=False) + "\n"
