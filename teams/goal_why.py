"""Why a goal is a team's: what its line says, how its teams were chosen, who runs the program and what it is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from program import wording

from .goal_facts import GoalFacts
from .models import Team
from .statements import among, fetch

LONGEST_PURPOSE = 160


@dataclass(frozen=True, slots=True)
class Why:
    """Why a goal is a team's, in words; `why` and `chosen` may be empty."""

    why: str
    asked_of: str
    chosen: str
    run_by: str
    purpose: str

    @property
    def line(self) -> str:
        """All of it in a line."""
        asked = f"Asked of {self.asked_of}"
        if self.chosen:
            asked += f" ({self.chosen})"
        run = f", run by {self.run_by}" if self.run_by else ""
        return f"{_closed(self.why)}{_closed(f'The program is for: {self.purpose}')}{asked}{run}."


def _closed(text: str) -> str:
    """A text as a sentence before another one; empty stays empty."""
    return f"{text[:1].upper()}{text[1:]}{'' if text[-1:] in '.!?…' else '.'} " if text else ""


OWNERS = """
SELECT o.program_id, u.name, u.email FROM program_programowner o JOIN accounts_user u ON u.id = o.user_id
WHERE u.is_active AND {programs} ORDER BY o.program_id, o.role DESC, o.id
"""


def owners_of(programs: Iterable[int]) -> dict[int, list[str]]:
    """What those who run each of these programs (row ids) are called, each person once. One query."""
    found: dict[int, dict[str, str]] = defaultdict(dict)
    wanted = sorted(set(programs))
    if wanted:
        condition, parameters = among("o.program_id", wanted)
        for program, name, email in fetch(OWNERS.format(programs=condition), parameters):
            found[program].setdefault(email, name or email)
    return {program: list(people.values()) for program, people in found.items()}


def groups_named(selectors: Iterable[Any]) -> dict[str, str]:
    """The names of the groups that these selectors name, by key. One query, none where none is named."""
    keys = {selector["under"] for selector in selectors if isinstance(selector, dict) and "under" in selector}
    return dict(Team.objects.filter(key__in=keys).values_list("key", "name")) if keys else {}


def of_goals(team: Team, goals: Sequence[GoalFacts]) -> dict[int, Why]:
    """Why each of these goals is the team's, by its id. Two queries at most."""
    owners = owners_of({goal.program for goal in goals})
    groups = groups_named([goal.selector for goal in goals])
    return {
        goal.pk: of_goal(
            team, selector=goal.selector, why=goal.why, chosen=goal.chosen, purpose=goal.purpose,
            owners=owners.get(goal.program, []), groups=groups,
        )
        for goal in goals
    }  # fmt: skip


def of_goal(
    team: Team, *, selector: Any, why: str, chosen: str, purpose: str, owners: Sequence[str],
    groups: Mapping[str, str],
) -> Why:  # fmt: skip
    """Why a goal is this team's; `selector` is its line's choice of teams, None where no line asks it any more."""
    return Why(
        why=why.strip(),
        asked_of=_asked_of(team, selector, groups),
        chosen=chosen.strip(),
        run_by=wording.listed(list(owners)),
        purpose=_phrase(purpose),
    )


def _asked_of(team: Team, selector: Any, groups: Mapping[str, str]) -> str:
    if selector == "all":
        return "every team"
    if isinstance(selector, dict) and "under" in selector:
        return f"every team under {groups.get(selector['under'], selector['under'])}"
    if isinstance(selector, dict) and "wave" in selector:
        return f"the teams of wave {selector['wave']}"
    if isinstance(selector, list) and len(selector) > 1:
        others = len(selector) - 1
        return f"{team.name} and {wording.count(others, 'other team')}"
    return f"{team.name} alone"


def _phrase(purpose: str) -> str:
    """What a program is for, in a phrase: its first sentence, cut where it is long."""
    first = " ".join(purpose.split()).split(". ")[0].rstrip(".")
    return first if len(first) <= LONGEST_PURPOSE else first[: LONGEST_PURPOSE - 1].rsplit(" ", 1)[0] + "…"
