"""The parts of a charter on its owner's desk: as prose, as forms, and what would follow from what is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Count

from accounts.clock import today
from accounts.models import Place, User
from nudges import restraint
from nudges.ahead import first_mails
from program import readiness
from program.models import Metric, Program, ProgramOwner
from program.readiness import Known
from program.typed_in import TypedIn
from teams import charter
from teams.models import Goal, Team
from teams.roles import ancestors
from web import desk_words
from web.desk_words import Around


@dataclass(frozen=True)
class Attempt:
    """What somebody typed into one of the desk's forms that was not kept: shown again with its faults, or looked at."""

    form: str
    typed: TypedIn
    said: Sequence[str] = ()
    """what would follow, where that was asked and is no matter of the charter"""


@dataclass(frozen=True)
class Part:
    """One part of the charter: as prose, as a form, and what a try to keep it found."""

    said: Sequence[str]
    values: Mapping[str, str]
    ticked: Sequence[str] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    ahead: Sequence[str] = ()
    open: bool = False


@dataclass
class Desk:
    """What is read for a desk, once."""

    program: Program
    now: datetime
    known: Known
    nodes: Sequence[Team]
    goals: Mapping[int, int]
    """live goals by team (id)"""
    of_rule: Mapping[int | None, int]
    """live goals by rule (id)"""
    around: Around

    @property
    def names(self) -> dict[str, str]:
        """Names of teams and groups by key."""
        return {node.key: node.name for node in self.nodes}

    @property
    def day(self) -> date:
        """Today in the program's review zone."""
        return today(self.program.review_zone, self.now)


def read(program: Program, now: datetime) -> Desk:
    """Everything that the desk's words rest on."""
    known = readiness.read([program])[program.pk]
    nodes = list(Team.objects.select_related("parent").order_by("parent__name", "name", "key"))
    live = Goal.objects.filter(program=program, ended_on=None).order_by()
    goals = dict(live.values_list("team_id").annotate(Count("pk")))
    of_rule = dict(live.values_list("rule_id").annotate(Count("pk")))
    return Desk(program, now, known, nodes, goals, of_rule, _around(program, now, nodes, goals))


def _around(program: Program, now: datetime, nodes: Sequence[Team], goals: Mapping[int, int]) -> Around:
    ahead = first_mails(program, goals, now)
    audience = next((node for node in nodes if node.key == program.audience), None)
    if audience is None:
        return Around(len(goals), sum(goals.values()), ahead)
    above = {node.pk: node.parent_id for node in nodes}
    outside = [node.name for node in nodes if node.pk in goals and audience.pk not in ancestors(node.pk, above)]
    readers = Place.objects.filter(key=audience.key).count()
    return Around(len(goals), sum(goals.values()), ahead, audience.name, readers, outside)


def part(desk: Desk, name: str, attempt: Attempt | None) -> Part:
    """One part as prose, and its form: as it is, or as it was typed."""
    said = prose(desk, name)
    if attempt is None or attempt.form != name:
        return Part(said, charter.shown(desk.program, name), desk.program.guardrails if name == "bounds" else ())
    typed = attempt.typed
    ahead = [] if typed.faults else consequences(desk, name, typed)
    return Part(said, typed.values, typed.chosen("guardrails"), typed.faults, ahead, open=True)


def prose(desk: Desk, name: str) -> list[str]:
    """A part as it reads."""
    program = desk.program
    if name == "people":
        held = {role: [one.user for one in desk.known.owners if one.role == role] for role in ProgramOwner.Role.values}
        return desk_words.people_said(program, held["technical"], held["manager"])
    if name == "bounds":
        names = dict(Metric.objects.filter(key__in=program.guardrails).values_list("key", "name"))
        return desk_words.bounds(program, names, desk.around, desk.day)
    if name == "nudges":
        return [*desk_words.nudges(program, desk.around), *desk_words.restrained(restraint.standing(program))]
    if name == "reviews":
        return desk_words.reviews(program, desk.now)
    if name == "why":
        return [program.why_now] if program.why_now else []
    return list(program.lighter_steps_tried)


def consequences(desk: Desk, name: str, typed: TypedIn, by: User | None = None) -> list[str]:
    """What would follow from what is typed; nothing is kept. Faults gather in `typed`."""
    values = charter.read(desk.program, name, typed)
    if typed.faults:
        return []
    if name == "people":
        return _of_people(desk, values, by)
    changed = copy(desk.program)
    for field_name, value in values.items():
        setattr(changed, field_name, value)
    looked = copy(desk)
    looked.program = changed
    looked.around = _around(changed, desk.now, desk.nodes, desk.goals) if name == "bounds" else desk.around
    if name == "why":
        return ["It stands on the program's page, and teams read it when they get their goals."]
    if name == "steps":
        count = len(changed.lighter_steps_tried)
        said = "one lighter step was not enough" if count == 1 else f"{count} lighter steps were not enough"
        return [f"It would say that {said}." if count else "None."]
    return prose(looked, name)


def _of_people(desk: Desk, values: Mapping[str, object], by: User | None) -> list[str]:
    sponsor, owners = str(values["sponsor"]), {role: list(values[role]) for role in charter.ROLES}  # type: ignore[call-overload]
    emails = [*([sponsor] if sponsor else []), *owners["technical"], *owners["manager"]]
    known = {user.email: user for user in User.objects.filter(email__in=emails)}
    changed = copy(desk.program)
    changed.sponsor = known.get(sponsor, User(email=sponsor)) if sponsor else None
    changed.mandate = str(values["mandate"])
    technical, managers = ([known.get(email, User(email=email)) for email in found] for found in owners.values())
    said = desk_words.people_said(changed, technical, managers)
    new = list(dict.fromkeys(email for email in emails if email not in known))
    if new:
        verb = "is" if len(new) == 1 else "are"
        said.append(
            f"{' and '.join(new)} {verb} not known yet, and would be added without a sign-in: check the spelling."
        )
    if by is not None and not by.is_superuser and by.email not in (*owners["technical"], *owners["manager"]):
        said.append("You would no longer be among its owners, and could not change it any more.")
    return said
