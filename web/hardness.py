"""What the words for how hard a goal is mean, beside them: the numbers are the rule's own (program/rules/pace.py)."""

from __future__ import annotations

from program import wording
from program.rules.forecast import WINDOW_DAYS
from program.rules.pace import LIKE_IN_SIZE, Difficulty

_LIKE_IT = f"any team of at least {wording.share(LIKE_IN_SIZE)} of its size"

MEANS = {
    Difficulty.UNHEARD_OF: f"it needs more than {_LIKE_IT} ever kept for {WINDOW_DAYS} days, itself included",
    Difficulty.STRETCH: "more than its own pace, but not beyond what teams of its size have kept before",
    Difficulty.EASY: f"it needs no more than the team's own pace of the {WINDOW_DAYS} days before the start",
    Difficulty.UNKNOWN: f"too little was measured: no pace of its own, and no {WINDOW_DAYS} days of a team like it",
}
"""Each word, explained where it stands."""
