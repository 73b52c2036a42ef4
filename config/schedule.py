"""The beat table: which work is woken up how often, one sentence a row.

A tick that is missed, doubled or late does no harm: each finds what is due in the database.
"""

from __future__ import annotations

from typing import Any


def beat_schedule(seconds: float) -> dict[str, dict[str, Any]]:
    """The table; `seconds` between the ticks (60, shorter in tests and in the demo)."""
    return {
        task: {"task": task, "schedule": seconds, "options": {"expires": max(seconds * 5, 60)}}
        for task in (
            "accounts.tasks.tidy_due",  # lets go ended sessions, and tries and links that are over
            "teams.tasks.take_received",  # takes long payloads that were kept as they came
            "teams.tasks.pull_due",  # wakes one job a host for the feeds whose hour has come
            "teams.tasks.admit_due",  # opens the waves whose gate is passed, and lets in teams that wait for a place
            "teams.tasks.judge_due",  # judges goals without today's standing, and goals that something touched
            "teams.tasks.prune_due",  # lets go what is older than the retention settings allow, some at a time
            "nudges.tasks.plan_due",  # plans the digests whose local hour has come
            "nudges.tasks.deliver_due",  # sends what the outbox holds due
            "reviews.tasks.schedule_due",  # creates the next reviews, and freezes and mails briefs three days ahead
        )
    }
