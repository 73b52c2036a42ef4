"""What was decided for one person, as planning writes it down."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from . import policy, routes
from .models import Notice, Nudge
from .outbox import Letter
from .situation import StandingRow
from .turns import Due


@dataclass
class Decided:
    """The decisions for one person; facts.py adds to its rows what they say."""

    due: Due
    listener: policy.Listener
    nudges: list[Nudge] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    standings: dict[int, StandingRow] = field(default_factory=dict)
    """by goal, those that are spoken of"""
    next_days: list[date] = field(default_factory=list)
    won: list[dict[str, Any]] = field(default_factory=list)
    """what is said on later days of the week instead, as facts"""

    @property
    def said(self) -> list[Nudge]:
        """The nudges that are said."""
        return [nudge for nudge in self.nudges if nudge.state == Nudge.State.SAID]

    @property
    def rows(self) -> list[Nudge | Notice]:
        """Everything that is kept: nudges said and withheld, and notices."""
        return [*self.nudges, *self.notices]

    @property
    def says_something(self) -> bool:
        """Whether a mail goes out at all."""
        return bool(self.said or self.notices)

    @property
    def next_day(self) -> date | None:
        """The first day on which a goal that is short today may be spoken of again."""
        return min(self.next_days, default=None)

    def letter(self) -> Letter:
        """Its place in the outbox."""
        person = self.due.person
        channel, address = routes.place(person)
        return Letter("digest", f"{person.pk}:{self.due.day}", address, person=person, channel=channel)
