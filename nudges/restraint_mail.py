"""The mail to owners about a tone that slowed down or stopped: what was found, what was changed, what they may do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings

from accounts.models import User
from program import wording
from program.models import Program, ProgramOwner
from program.rules.usefulness import (
    FOLLOWED_LINE,
    FOLLOWED_WITHIN_DAYS,
    LOOKED_BACK_WEEKS,
    SLOW_FOR_WEEKS,
    USEFUL_LINE,
    Finding,
)

from . import hours, outbox, policy, words
from .kinds import Kind, Later, Words
from .models import Delivery, Restraint
from .outbox import Letter

NAME = "restraint"
WAITS = timedelta(days=14)
"""So long the mail waits for an owner who is away; then the pages say it anyway."""


def tell_owners(row: Restraint, now: datetime) -> int:
    """Put a letter to each owner who can be reached into the outbox, in the transaction of the change."""
    owners = ProgramOwner.objects.filter(program=row.program_id, user__is_active=True).select_related("user")
    people = {owner.user for owner in owners.order_by("pk") if not owner.user.address_suspended_reason}
    letters = [
        Letter(
            NAME, f"{row.pk}:{person.pk}", person.email, subject=compose(row, person, now).subject, person=person,
            program=row.program, not_after=now + WAITS,
        )
        for person in sorted(people, key=lambda person: person.pk)
    ]  # fmt: skip
    return len(outbox.put_all(letters, now))


def prefetch(rows: Sequence[Delivery], _now: datetime) -> None:
    """What each letter tells. One query."""
    keys = {row.pk: int(row.key.partition(":")[0]) for row in rows}
    found = Restraint.objects.select_related("program").in_bulk(set(keys.values()))
    for row in rows:
        row.loaded = found.get(keys[row.pk])  # type: ignore[attr-defined]


def still_wanted(row: Delivery, now: datetime) -> str | Later | None:
    """Whether it stands still, and the hour is theirs."""
    told: Restraint | None = row.loaded  # type: ignore[attr-defined]
    person = row.person
    if person is None or not person.is_active:
        return "the person has left"
    if told is None or told.ended_at is not None:
        return "it was settled before it was told"
    local = now.astimezone(hours.zone(person.time_zone))
    if person.is_away(local.date()):
        return Later(hours.next_working(now, person.time_zone, person.country, not_today=True), "away")
    if not hours.is_working(local, person.country):
        return Later(hours.next_working(now, person.time_zone, person.country), "outside working hours")
    return None


def render(row: Delivery, now: datetime) -> Words:
    """The mail's words."""
    told: Restraint = row.loaded  # type: ignore[attr-defined]
    return compose(told, row.person, now)


def compose(told: Restraint, person: User | None, now: datetime) -> Words:
    """The mail about one restraint."""
    subject, text, html = words.fill(NAME, context(told, person, now))
    return Words(subject, text, html)


def context(told: Restraint, person: User | None, now: datetime) -> dict[str, Any]:
    """What its templates fill in."""
    program = told.program
    return {
        "person": person, "today": now.date(), "program": program, "tone": policy.TONES[told.tone],
        "stopped": told.state == Restraint.State.STOPPED, "evidence": evidence(told.evidence),
        "changed": changed(told.state), "addresses": addresses(program, told.tone),
    }  # fmt: skip


def addresses(program: Program, tone: str) -> dict[str, str]:
    """Where an owner may do something about it."""
    here = f"{settings.SITE_URL}/programs/{quote(program.key)}"
    return {
        "words": f"{here}/nudges/samples/#{tone.replace(' ', '-')}", "metrics": f"{here}/desk/#metrics",
        "goals": f"{here}/desk/#goals", "desk": f"{here}/desk/", "again": f"{here}/nudges/#restraints",
        "effect": f"{here}/nudges/effect#became",
    }  # fmt: skip


def evidence(seen: dict[str, Any]) -> str:
    """What was found, in one sentence with its numbers."""
    if seen["found"] == Finding.LITTLE_USE:
        voted, useful = wording.count(seen["votes"], "vote"), seen["useful"]
        share = wording.share(useful / seen["votes"])
        return (
            f"Of {voted} in the last {LOOKED_BACK_WEEKS} weeks on mails that opened with it, {useful} said “useful”: "
            f"{share}, where at least {wording.share(USEFUL_LINE)} is asked."
        )
    share = wording.share(seen["followed"] / seen["said"])
    return (
        f"Of {wording.count(seen['said'], 'nudge')} to {seen['people']} people in the last {LOOKED_BACK_WEEKS} weeks, "
        f"{seen['followed']} were followed within {FOLLOWED_WITHIN_DAYS} days by a visit, an answer, an item taken or "
        f"a smaller gap: {share}, where at least {wording.share(FOLLOWED_LINE)} is asked."
    )


def changed(state: str) -> str:
    """What was changed, in words."""
    if state == Restraint.State.STOPPED:
        return (
            "It is not said any more, until an owner starts it again. The goals stay on every page as they are, and "
            "leaders still see them; nobody is told over anybody's head because of what is not said."
        )
    return (
        f"It waits twice as long now. In {SLOW_FOR_WEEKS} weeks it is looked at again, by what was said since: if it "
        "does better it is as before, if not it stops."
    )


KIND = Kind(NAME, still_wanted=still_wanted, render=render, prefetch=prefetch)
