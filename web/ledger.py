"""The ledger's page put together: a sentence, requests that wait, what rests by leader, what is over; and its CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from accounts.clock import today
from nudges.people import Org
from program import wording
from program.models import Program
from teams.exemption_ledger import Ledger, Line, ledger
from web import access
from web.heatmap import safe
from web.render import page

NOBODY = "nobody leads a group above"
HEAD = (
    "leader", "team", "program", "metric", "state", "reason", "text", "from", "until", "age_in_days", "asked_by",
    "asked_on", "answered_by", "answer", "would_be", "value",
)  # fmt: skip


@dataclass(frozen=True)
class Group:
    """What rests under one leader, ending first on top."""

    leader: str
    lines: Sequence[Line]

    @property
    def behind(self) -> int:
        """How many of them would be behind today."""
        return sum(line.would_be_behind for line in self.lines)


@dataclass
class Context:
    """The ledger, of one program or of all. `runs` are the ids of programs that the reader may answer for."""

    template: ClassVar[str] = "pages/exemptions.html"
    here: ClassVar[str] = "programs"
    program: Program | None
    today: date
    sentence: str
    ledger: Ledger
    groups: Sequence[Group]
    runs: frozenset[int]
    messages: Sequence[str]
    refused: int = 0
    problem: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)


def answer(
    request: HttpRequest, program: Program | None, moment: datetime, *, status: int = 200, refused: int = 0,
    problem: str = "", typed: Mapping[str, str] | None = None,
) -> HttpResponse:  # fmt: skip
    """The ledger of one program, or of all that the reader may see; perhaps with an answer that was refused."""
    found, groups = _read(request, program, moment)
    context = Context(
        program=program,
        today=today(program.review_zone if program else "UTC", moment),
        sentence=said(found, groups),
        ledger=found,
        groups=groups,
        runs=frozenset(Program.objects.run_by(access.person(request)).values_list("pk", flat=True)),
        messages=[str(message) for message in messages.get_messages(request)],
        refused=refused,
        problem=problem,
        typed=typed or {},
    )
    return page(request, context, status=status)


def _read(request: HttpRequest, program: Program | None, moment: datetime) -> tuple[Ledger, list[Group]]:
    seen = Program.objects.visible_to(access.person(request))
    found = ledger(seen.filter(pk=program.pk) if program else seen, moment)
    org = Org.read()
    by_leader: dict[tuple[str, str], list[Line]] = {}
    for line in found.resting:
        by_leader.setdefault(_leader(org, line), []).append(line)
    groups = [Group(name, lines) for (name, _), lines in by_leader.items()]
    return found, sorted(groups, key=lambda group: (-group.behind, -len(group.lines), group.leader))


def _leader(org: Org, line: Line) -> tuple[str, str]:
    """Who looks after the team's group, by name and address: two people may have one name."""
    person, _ = org.leader_above(line.exemption.goal.team_id)
    return (str(person), person.email) if person else (NOBODY, "")


def said(found: Ledger, groups: Sequence[Group]) -> str:
    """The ledger in a sentence or two."""
    waiting = len(found.waiting)
    waits = f" {wording.count(waiting, 'request')} {'waits' if waiting == 1 else 'wait'}." if waiting else ""
    resting = [line for line in found.resting if line.state == "in force"]
    if not resting:
        return f"No goal is exempt today.{waits}"
    goals = len({line.exemption.goal_id for line in resting})
    under = {group.leader for group in groups if any(line.state == "in force" for line in group.lines)} - {NOBODY}
    leaders = f" under {wording.count(len(under), 'leader')}" if under else ""
    behind, soon = sum(line.would_be_behind for line in resting), sum(line.ends_soon for line in resting)
    told = f"{wording.count(goals, 'goal')} {'is' if goals == 1 else 'are'} exempt{leaders}"
    one = "it would" if behind else "it would not"
    many = f"{behind if behind else 'none'} of them would"
    told += f"; {one if goals == 1 else many} be behind today"
    if soon:
        told += f"; {soon} {'ends' if soon == 1 else 'end'} within two weeks"
    return f"{told}.{waits}"


def table(request: HttpRequest, program: Program | None, moment: datetime) -> HttpResponse:
    """The ledger as CSV: a line an exemption, those that are over too."""
    found, groups = _read(request, program, moment)
    leaders = {line.exemption.pk: group.leader for group in groups for line in group.lines}
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(HEAD)
    for line in (*found.waiting, *found.resting, *found.over):
        rows.writerow(_row(line, leaders.get(line.exemption.pk, "")))
    name = f"{program.key}-" if program else ""
    made = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    made["Content-Disposition"] = f'attachment; filename="{name}exemptions-{moment.date().isoformat()}.csv"'
    return made


def _row(line: Line, leader: str) -> list[str]:
    one = line.exemption
    value = line.would_be.judgment.value if line.would_be else None
    people = (one.asked_by, one.approved_by or one.declined_by)
    asked_by, answered_by = (safe(person.email) if person else "" for person in people)
    return [
        safe(leader), safe(one.goal.team.key), safe(one.goal.program.key), safe(one.goal.metric.key), line.state,
        safe(one.said_reason), safe(one.text), one.from_day.isoformat(), one.last_day.isoformat(), str(line.age),
        asked_by, one.asked_at.date().isoformat(), answered_by, safe(one.answer), line.would_be_status,
        "" if value is None else repr(value),
    ]  # fmt: skip
