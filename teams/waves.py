"""Waves: the roll-out in steps. The next one opens when the one before shows that it works, or an owner says why.

A wave that a file names when its start has come is open. A later one opens when its start has come and it is the
first, or the one before it has been open four weeks and enough of its goals are met or on their path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.audit import record
from accounts.clock import today
from accounts.models import User
from program.models import Program, Wave
from program.rules.status import FINE

from .apply.changes import Changes
from .goals import make_goals, take_turn
from .models import Goal, Standing, Team, WaveTeam

OPEN_AT_LEAST = timedelta(weeks=4)
PLANNED, OPEN, DONE = Wave.State.PLANNED, Wave.State.OPEN, Wave.State.DONE


class Unfit(ValueError):
    """A wave that was not kept, or not opened; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate of a planned wave sees. Goals that are exempt, stale or without data count, and are not fine."""

    wave: Wave
    before: Wave | None
    goals: int
    """live goals of the teams of the wave before"""
    fine: int
    """those of them that are met or on track"""

    @property
    def is_passed(self) -> bool:
        """Whether the wave before shows that it works."""
        return self.before is None or (self.goals > 0 and self.fine / self.goals >= self.wave.gate - 1e-9)

    @property
    def first_day(self) -> date | None:
        """The first day on which it may open by itself; None while the wave before has not begun."""
        if self.before is None:
            return self.wave.start
        if self.before.state == PLANNED:
            return None
        return max(self.wave.start, since(self.before) + OPEN_AT_LEAST)

    def opens_on(self, day: date) -> bool:
        """Whether it opens by itself on a day."""
        first = self.first_day
        return self.is_passed and first is not None and first <= day


def since(wave: Wave) -> date:
    """The day from which a wave is open."""
    return wave.opened_on or wave.start


def gates(waves: Sequence[Wave]) -> dict[int, Gate]:
    """The gates of a program's planned waves, by wave (id); `waves` are all of the program, in order.

    It looks at the newest daily standing of each goal. Two queries.
    """
    before = {wave.pk: waves[place - 1] if place else None for place, wave in enumerate(waves)}
    planned = [wave for wave in waves if wave.state == PLANNED]
    goals: Counter[int] = Counter()
    fine: Counter[int] = Counter()
    asked = {one.pk for wave in planned if (one := before[wave.pk]) is not None}
    if asked:
        program = waves[0].program_id
        live = Goal.objects.filter(program=program, ended_on=None, team__wave_teams__wave__in=asked).order_by()
        goals.update(live.values_list("team__wave_teams__wave", flat=True))
        newest = Standing.objects.filter(goal__in=live.values("pk"), day=F("goal__judged_on"), status__in=list(FINE))
        of_waves = newest.filter(goal__team__wave_teams__wave__in=asked).order_by()
        fine.update(of_waves.values_list("goal__team__wave_teams__wave", flat=True))
    found = {}
    for wave in planned:
        one = before[wave.pk]
        key = one.pk if one else 0
        found[wave.pk] = Gate(wave, one, goals[key], fine[key])
    return found


def open_due(now: datetime) -> int:
    """Open the waves whose time has come and whose gate is passed, in active programs. Returns how many."""
    latest = now.date() + timedelta(days=1)
    waiting = Program.objects.filter(state=Program.State.ACTIVE, waves__state=PLANNED, waves__start__lte=latest)
    return sum(open_by_gate(program, now) for program in waiting.distinct())


def open_by_gate(program: Program, now: datetime) -> int:
    """Open what this program's gates let through today; waves after one that was just opened wait for their turn."""
    day = today(program.review_zone, now)
    opened = 0
    for gate in gates(list(program.waves.all())).values():
        if gate.opens_on(day):
            opened += _open(gate.wave, day, _passed(gate), None, now, "its gate")
    return opened


def _passed(gate: Gate) -> str:
    if gate.before is None:
        return "its start has come"
    return f"{gate.fine} of {gate.goals} goals of {gate.before.key} on their path or met, {gate.wave.gate:.0%} needed"


def open_regardless(wave: Wave, why: str, *, now: datetime, by: User | None, via: str = "") -> bool:
    """An owner opens a wave before its gate does, and says why. False if it is open already."""
    if not why.strip():
        raise Unfit("a reason was expected: why it opens although its gate has not")
    return _open(wave, today(wave.program.review_zone, now), why.strip()[:500], by, now, via)


def _open(wave: Wave, day: date, why: str, by: User | None, now: datetime, via: str) -> bool:
    """Open a planned wave and give its teams their goals, in one transaction; of several at once, one does it."""
    with transaction.atomic():
        take_turn()
        mine = Wave.objects.filter(pk=wave.pk, state=PLANNED)
        if not mine.update(state=OPEN, opened_on=day, opened_by=by, opened_why=why):
            return False
        program = Program.objects.get(pk=wave.program_id)
        record(
            "wave", f"{program.key}/{wave.key}", at=now, actor=by, via=via, reason=why,
            before={"state": str(PLANNED)}, after={"state": str(OPEN), "opened_on": day.isoformat()},
        )  # fmt: skip
        if is_named(wave):
            make_goals(program, now, Changes(now, via, by).note, by=by, reason=f"wave {wave.key} opened: {why}")
    return True


def is_named(wave: Wave) -> bool:
    """Whether a goal of its program is for this wave; otherwise its opening gives nobody a goal."""
    return {"wave": wave.key} in wave.program.goal_rules.order_by().values_list("teams", flat=True)


def close(wave: Wave, *, now: datetime, by: User | None, via: str = "") -> bool:
    """Say that an open wave is done: its goals go on. False if it was not open."""
    with transaction.atomic():
        if not Wave.objects.filter(pk=wave.pk, state=OPEN).update(state=DONE):
            return False
        record(
            "wave", f"{wave.program.key}/{wave.key}", at=now, actor=by, via=via,
            before={"state": str(OPEN)}, after={"state": str(DONE)},
        )  # fmt: skip
    return True


def put(program: Program, key: str, start: date, gate: float, changes: Changes) -> Wave:
    """Add a wave, or change when it starts and what its gate asks; one that is open keeps its start."""
    wave = Wave.objects.filter(program=program, key=key).first() or Wave(program=program, key=key)
    if wave.state != PLANNED and wave.start != start:
        raise Unfit(f"{wave.key} has begun: its start stays {wave.start}")
    with transaction.atomic():
        changes.put("wave", f"{program.key}/{key}", wave, {"start": start, "gate": gate})
    return wave


def remove(wave: Wave, changes: Changes) -> None:
    """Take a planned wave out, with its teams' places in it."""
    program = wave.program
    if wave.state != PLANNED:
        raise Unfit(f"{wave.key} has begun: say that it is done instead")
    if is_named(wave):
        raise Unfit(f"a goal of this program names the wave {wave.key}: change that goal first")
    with transaction.atomic():
        changes.note("wave", f"{program.key}/{wave.key}", {"start": wave.start, "gate": wave.gate}, None)
        wave.delete()
        make_goals(program, changes.now, changes.note, by=changes.actor, reason=f"wave {wave.key} was taken out")


def move(program: Program, teams: Collection[Team], to: Wave | None, changes: Changes) -> int:
    """Put teams into a wave, out of any other of the program (None: into none). Returns how many were moved."""
    held = {row.team_id: row for row in WaveTeam.objects.filter(wave__program=program).select_related("wave")}
    wanted = [team for team in teams if (held[team.pk].wave_id if team.pk in held else None) != (to.pk if to else None)]
    if not wanted:
        return 0
    with transaction.atomic():
        for key, moved in sorted(_by_wave(wanted, held).items()):
            changes.note(
                "wave teams", f"{program.key}/{to.key if to else ''}", {"wave": key, "teams": moved},
                {"wave": to.key if to else "", "teams": moved},
            )  # fmt: skip
        WaveTeam.objects.filter(wave__program=program, team__in=wanted).delete()
        if to is not None:
            WaveTeam.objects.bulk_create([WaveTeam(wave=to, team=team) for team in wanted])
        make_goals(program, changes.now, changes.note, by=changes.actor, reason="teams were moved between waves")
    return len(wanted)


def _by_wave(teams: Collection[Team], held: dict[int, WaveTeam]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for team in teams:
        found.setdefault(held[team.pk].wave.key if team.pk in held else "", []).append(team.key)
    return found
