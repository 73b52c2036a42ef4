"""What the room of nudges keeps: the outbox, what was said, what receivers wish of it, experiments."""

from .experiment import Experiment, Lot
from .outbox import Delivery, DeliveryQuerySet, Instance
from .said import Digest, Notice, Nudge, NudgeQuerySet, Trouble, Turn, period_of
from .wished import Mute, Vote

__all__ = [
    "Delivery",
    "DeliveryQuerySet",
    "Digest",
    "Experiment",
    "Instance",
    "Lot",
    "Mute",
    "Notice",
    "Nudge",
    "NudgeQuerySet",
    "Trouble",
    "Turn",
    "Vote",
    "period_of",
]
