"""The charter in a program's file: what it is for, who stands behind it, its reviews and its manner of nudging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from program.feeds.batch import shown
from program.models import Program, ProgramOwner
from program.rules.recurrence import LONGEST, NoRecurrence, recurrence_of, tidy

from .fields import Fields

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ENDED = (Program.State.COMPLETED, Program.State.CANCELED)
MOST_HOURS = 10_000
LONGEST_END = 10_100
LONGEST_NOTE = 500
"""What was learned, and why it was given up: two texts in one."""
KNOWN = {
    "key", "name", "state", "ended", "purpose", "why_now", "lighter_steps_tried", "sponsor", "owners", "start", "end",
    "stop_if", "guardrails", "probation_reviews", "weekly_hours", "audience", "guard_of", "review",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Charter:
    """`fields` holds the Program's own fields by name; people stand by e-mail, other programs by key."""

    fields: dict[str, Any]
    sponsor: str
    owners: Sequence[tuple[str, str]]
    guard_of: str


def read(program: Fields, nudges: Fields | None) -> Charter:
    """Read the sections `program` and `nudges`. A draft needs no sponsor, no owners and no purpose yet."""
    program.only(KNOWN)
    state = program.choice("state", tuple(Program.State.values), default="active")
    ready = state != Program.State.DRAFT
    found: dict[str, Any] = {
        "key": program.key(),
        "name": program.text("name", required=True, most=200),
        "state": state,
        "purpose": program.text("purpose", required=ready),
        "why_now": program.text("why_now"),
        "lighter_steps_tried": program.texts("lighter_steps_tried"),
        "start": program.day("start"),
        "end": program.day("end"),
        "stop_if": program.text("stop_if"),
        "guardrails": program.texts("guardrails"),
        "probation_reviews": program.whole("probation_reviews", default=2, least=0, most=100),
        "weekly_hours": program.number("weekly_hours", least=0, most=MOST_HOURS) or 0.0,
        "audience": program.text("audience", most=100),
    }
    in_order(program, "start", found["start"], "end", found["end"])
    sponsor = program.mapping("sponsor", required=ready)
    if sponsor:
        sponsor.only({"email", "mandate"})
    found["mandate"] = sponsor.text("mandate") if sponsor else ""
    found |= _ended(program, state) | _review(program.mapping("review")) | _nudges(nudges)
    return Charter(
        fields=found,
        sponsor=sponsor.email("email", required=ready) if sponsor else "",
        owners=_owners(program, required=ready),
        guard_of=program.key("guard_of", required=False),
    )


def _owners(program: Fields, *, required: bool) -> list[tuple[str, str]]:
    owners: list[tuple[str, str]] = []
    for owner in program.mappings("owners", required=required):
        owner.only({"email", "role"})
        owners.append((owner.email("email", required=True), owner.choice("role", tuple(ProgramOwner.Role.values))))
    return owners


def _ended(program: Fields, state: str) -> dict[str, Any]:
    """When and with what a program ended; only of one that did."""
    ended = program.mapping("ended")
    if ended is None:
        return {"ended_on": None, "ended_why": ""}
    ended.only({"day", "why"})
    if state not in ENDED:
        program.fault("ended", f"ended is of a program whose state is {' or '.join(ENDED)}, not {state}")
    return {"ended_on": ended.day("day"), "ended_why": ended.text("why", most=LONGEST_END)}


def _review(review: Fields | None) -> dict[str, Any]:
    found: dict[str, Any] = {"review_every": "", "review_first": None, "review_minutes": 30, "review_zone": "UTC"}
    if review is None:
        return found
    review.only({"every", "first", "duration", "timezone"})
    found["review_zone"] = review.zone("timezone")
    if set(review.value) == {"timezone"}:  # its days begin and end there, reviews or not
        return found
    every = tidy(review.text("every", required=True, most=LONGEST))
    try:
        recurrence_of(every or "1 week")
    except NoRecurrence as fault:
        review.fault("every", f"every is {fault}; not {shown(every)}")
    first: datetime | None = review.wall_time("first", required=True)
    found["review_every"], found["review_first"] = every, first
    found["review_minutes"] = review.minutes("duration", default=30)
    return found


def _nudges(nudges: Fields | None) -> dict[str, Any]:
    found = {
        "nudge_every_weeks": 1, "nudge_weekday": 0, "nudge_hour": 9, "nudge_weekly_maximum": 2, "holdout": 0.0,
        "nudge_note": "",
    }  # fmt: skip
    if nudges is None:
        return found
    nudges.only({"every", "weekday", "hour", "max_per_person_per_week", "holdout", "note"})
    weeks, rest = divmod(nudges.minutes("every", default=10080), 10080)
    if rest or not weeks:
        nudges.fault("every", f"every is whole weeks, such as 1 week, not {shown(nudges.value['every'])}")
    found["nudge_every_weeks"] = weeks or 1
    found["nudge_weekday"] = WEEKDAYS.index(nudges.choice("weekday", WEEKDAYS, default="monday"))
    found["nudge_hour"] = nudges.whole("hour", default=9, least=0, most=23)
    found["nudge_weekly_maximum"] = nudges.whole("max_per_person_per_week", default=2, least=1, most=7)
    found["nudge_note"] = nudges.text("note", most=LONGEST_NOTE)
    found["holdout"] = nudges.number("holdout", least=0, most=0.9) or 0.0
    return found


def in_order(fields: Fields, first: str, early: date | None, second: str, late: date | None) -> None:
    """Fault a day that does not come after another."""
    if early and late and not early < late:
        fields.fault(second, f"{second} is after {first} ({early}), not {late}")
