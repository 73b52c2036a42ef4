"""Who waits, in words: for a place under a limit of live programs, or for a wave to open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from program import wording
from teams.limits import LIMIT, Outlook, Queued
from teams.models import Team, WaitingTeam

NAMED = 4


def of_program(queue: Sequence[Queued], today: date) -> list[str]:
    """For a program: "2 teams wait for a place: api since 3 Nov, it has 3 of 3 programs; …"."""
    places = [one for one in queue if one.row.why == LIMIT]
    waves: dict[str, list[Queued]] = {}
    for one in queue:
        if one.row.wave is not None:
            waves.setdefault(one.row.wave.key, []).append(one)
    said = []
    if places:
        each = [
            f"{one.row.team.name} since {wording.near_day(one.row.since.date(), today)}, it has {_programs(one)}"
            for one in places[:NAMED]
        ]
        said.append(f"{_wait(len(places))} for a place: {'; '.join(each)}{_more(places)}.")
    for key, waiting in waves.items():
        names = ", ".join(one.row.team.name for one in waiting[:NAMED])
        said.append(f"{_wait(len(waiting))} for the wave {key}: {names}{_more(waiting)}.")
    return said


def of_team(one: Queued, today: date) -> str:
    """For a team, after the program's name: "waits for a place since 3 Nov: this team has 3 of 3 programs"."""
    since = wording.near_day(one.row.since.date(), today)
    if one.row.why == LIMIT:
        return (
            f"waits for a place since {since}: this team has {_programs(one)}. The one that waits longest comes next."
        )
    wave: object = one.row.wave.key if one.row.wave else ""
    return f"waits since {since} for the wave {wave} to open."


def of_outlook(found: Outlook, node: Team, limit: int | None) -> list[str]:
    """What a limit would mean, before it is set."""
    whose = node.name if node.leaf else f"the {wording.count(found.teams, 'team')} of {node.name}"
    if limit is None:
        said = [f"No limit of its own: the nearest group above {node.name} that has one says how many."]
    else:
        said = [
            f"At most {wording.count(limit, 'live program')} at once for {whose if node.leaf else 'each of ' + whose}."
        ]
        if found.over:
            said.append(
                f"{_names(found.over)} {'has' if len(found.over) == 1 else 'have'} more already: "
                "what they have goes on, and nothing new begins until they have fewer."
            )
        if found.full:
            said.append(
                f"{_names(found.full)} {'has' if len(found.full) == 1 else 'have'} just as many: the next waits."
            )
        if not found.over and not found.full:
            said.append("Every team has a place free.")
    if found.waiting:
        said.append(f"{_wait(len(found.waiting))} now: {_listed([_who(row) for row in found.waiting])}.")
        if len(found.let_in) == len(found.waiting):
            said.append("All of them would get their goals within a minute.")
        elif found.let_in:
            said.append(f"{_listed([_who(row) for row in found.let_in])} would get goals within a minute.")
        else:
            said.append("None of them would get a place.")
    return said


def _who(row: WaitingTeam) -> str:
    return f"{row.team.name} for {row.program.name}"


def _programs(one: Queued) -> str:
    return f"{one.taken} of {wording.count(one.limit or 0, 'program')}"


def _wait(number: int) -> str:
    return f"{wording.count(number, 'team')} {'waits' if number == 1 else 'wait'}"


def _names(teams: Sequence[Team]) -> str:
    return _listed([team.name for team in teams])


def _listed(words: Sequence[str]) -> str:
    if len(words) <= NAMED + 1:
        return wording.listed(list(words))
    return f"{', '.join(words[:NAMED])} and {len(words) - NAMED} more"


def _more(rows: Sequence[object]) -> str:
    return f"; and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
