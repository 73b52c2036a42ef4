"""What follows from an apply, in counts: goals that come and go, teams that wait, metrics measured in another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from program import wording
from program.models import Program

from .changes import Change


@dataclass(frozen=True, slots=True)
class Counted:
    """How many goals and waiting teams a program has, and its state."""

    live: int = 0
    ever: int = 0
    waiting: int = 0
    state: str = ""

    @classmethod
    def of(cls, program: Program | None) -> Counted:
        """As it is now. Three queries."""
        if program is None:
            return cls()
        goals = program.goals
        live = goals.filter(ended_on=None).count()
        return cls(live, goals.count(), program.waiting.count(), str(program.state))

    def since(self, before: Counted, made: Sequence[Change]) -> list[str]:
        """What came of the changes, a sentence each; empty where nothing did."""
        found = [goals] if (goals := self._goals(before, made)) else []
        new = self.ever > before.ever
        if self.waiting != before.waiting or (self.waiting and new):
            verb = "waits" if self.waiting == 1 else "wait"
            found.append(f"{wording.count(self.waiting, 'team')} {verb} for a wave to open or a place under the limit.")
        if before.state not in ("", self.state):
            found.append(f"The program was {before.state} and is {self.state}.")
        return found + _measured_anew(made)

    def _goals(self, before: Counted, made: Sequence[Change]) -> str:
        ended, back = _noted(made, "ended"), _noted(made, "returned")
        terms = sum(change.kind == "goal terms" for change in made)
        said = [
            (self.ever - before.ever, "new"), (ended, "ended"), (back, "back again"), (terms, "with other terms"),
        ]  # fmt: skip
        counts = ", ".join(f"{count:,} {what}" for count, what in said if count)
        return f"Goals: {counts}." if counts else ""


def _noted(made: Sequence[Change], what: str) -> int:
    return sum(int((change.after or {}).get(what, 0)) for change in made if change.kind == "goals")


def _measured_anew(made: Sequence[Change]) -> list[str]:
    """Metrics of which another version was opened."""
    opened = [change.key for change in made if change.kind == "metric version" and not change.key.endswith(" v1")]
    return [f"{key} measures in another way: goals on it are stale until their baseline is set anew." for key in opened]
