"""What we say to the sponsor, and what the sponsor and the leads say back: one file for each thing."""

from .asks import Ask, AskQuerySet
from .briefs import Brief, BriefQuerySet
from .calendars import CalendarFeed
from .costs import Cost, CostQuerySet
from .effects import Effect, EffectQuerySet, Pace, PaceQuerySet, holding
from .invitations import Invitation
from .looks import EffectLook, Known, known
from .meetings import Review, ReviewQuerySet, new_uid, programs_reviewed_by
from .pulses import Priority, PriorityQuerySet, Pulse, PulseQuerySet, Sponsorship
from .room import Attendance, Decision, DecisionQuerySet

__all__ = [
    "Ask",
    "AskQuerySet",
    "Attendance",
    "Brief",
    "BriefQuerySet",
    "CalendarFeed",
    "Cost",
    "CostQuerySet",
    "Decision",
    "DecisionQuerySet",
    "Effect",
    "EffectLook",
    "EffectQuerySet",
    "Invitation",
    "Known",
    "Pace",
    "PaceQuerySet",
    "Priority",
    "PriorityQuerySet",
    "Pulse",
    "PulseQuerySet",
    "Review",
    "ReviewQuerySet",
    "Sponsorship",
    "holding",
    "known",
    "new_uid",
    "programs_reviewed_by",
]
