"""What the room of nudges keeps: the outbox, what was said, what receivers wish of it and read of it, experiments,
and what became of it."""

from .experiment import Experiment, Lot
from .opened import Opened
from .outbox import Delivery, DeliveryQuerySet, Instance
from .refused import RefusedTold
from .restraint import Look, Restraint
from .route import Route
from .said import Digest, Notice, Nudge, NudgeQuerySet, Trouble, Turn, period_of
from .visit import Visit
from .wished import Mute, Vote

__all__ = [
    "Delivery",
    "DeliveryQuerySet",
    "Digest",
    "Experiment",
    "Instance",
    "Look",
    "Lot",
    "Mute",
    "Notice",
    "Nudge",
    "NudgeQuerySet",
    "Opened",
    "RefusedTold",
    "Restraint",
    "Route",
    "Trouble",
    "Turn",
    "Visit",
    "Vote",
    "period_of",
]
