"""Keeps who sponsors each program since when: who is new gets a handover brief, and who was before gets thanks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Subquery

from accounts import audit
from accounts.models import User
from nudges.models import Delivery
from nudges.outbox import Letter, put_all
from program.models import Program

from . import handover, words
from .models import Sponsorship

HANDOVER, THANKS = "handover", "thanks"


def keep(now: datetime) -> int:
    """Bring the rows in line with the programs; returns how many programs had another sponsor than was kept.

    The first sponsor of a program is only written down. Running it twice, late, or three times at once changes and
    tells nothing more.
    """
    kept = Sponsorship.objects.filter(program=OuterRef("pk"), until=None).values("sponsor")
    programs = Program.objects.annotate(kept_sponsor=Subquery(kept))
    rows = list(programs.order_by("pk").values_list("pk", "sponsor", "kept_sponsor"))
    return sum(_change(pk, now) for pk, sponsor, known in rows if sponsor != known)


def former_of(program: Program) -> Sponsorship | None:
    """The newest sponsorship that is over, if it was another person's."""
    rows = Sponsorship.objects.filter(program=program).exclude(until=None).select_related("sponsor")
    return rows.exclude(sponsor=program.sponsor_id).order_by("-until", "-pk").first()


def current_of(program: Program) -> Sponsorship | None:
    """The present sponsorship, if the present sponsor's is kept yet."""
    return Sponsorship.objects.filter(program=program, until=None, sponsor=program.sponsor_id).first()


def _change(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        program = Program.objects.select_for_update(of=("self",)).select_related("sponsor").get(pk=pk)
        held = Sponsorship.objects.filter(program=program, until=None).select_related("sponsor").first()
        if (held.sponsor_id if held else None) == program.sponsor_id:
            return False
        if held is not None:
            held.until = now
            held.save(update_fields=["until"])
        if program.sponsor is not None:
            _begin(program, program.sponsor, now)
        if held is not None and _is_told(program):
            _thank(program, held, now)
    return True


def _begin(program: Program, sponsor: User, now: datetime) -> None:
    made = Sponsorship.objects.create(program=program, sponsor=sponsor, since=now)
    former = former_of(program)
    if former is None or not _is_told(program):
        return
    made.handed_over_at = now
    made.save(update_fields=["handed_over_at"])
    audit.record(
        "sponsor", program.key, at=now, before=former.sponsor.email, after=sponsor.email, via="calendar",
        reason="handover brief written",
    )  # fmt: skip
    if sponsor.is_active:
        _put(HANDOVER, made, sponsor, handover.compose(program, former, now), now)


def _thank(program: Program, held: Sponsorship, now: datetime) -> None:
    if held.sponsor.is_active:
        _put(THANKS, held, held.sponsor, handover.compose(program, held, now), now)


def _is_told(program: Program) -> bool:
    """A draft asked nothing of anybody yet, and one that is over does not any more."""
    return program.state in Program.ON_SCORECARDS


def _put(kind: str, row: Sponsorship, person: User, content: handover.Handover, now: datetime) -> None:
    subject, text, html = words.fill(kind, of_handover(row.program, row, content))
    owners = [person.email for person in content.owners]
    headers = words.of_list() | ({"Reply-To": owners[0]} if owners else {})
    letter = Letter(
        kind, f"{row.program.key}/{row.pk}", person.email, subject, text, html, person=person, program=row.program,
        headers=headers,
    )  # fmt: skip
    put_all([letter], now)


def of_handover(program: Program, row: Sponsorship, content: handover.Handover) -> dict[str, object]:
    """What the mails say."""
    site = settings.SITE_URL
    return {
        "program": program,
        "row": row,
        "brief": content,
        "site": site,
        "link": f"{site}/programs/{program.key}/handover/",
        "page": f"{site}/programs/{program.key}/",
        "priorities": f"{site}/programs/{program.key}/priorities/",
    }


def prefetch(rows: Sequence[Delivery], _now: datetime) -> None:
    """Load the sponsorships of these deliveries onto them, in one query."""
    held = Sponsorship.objects.select_related("program").in_bulk([int(row.key.rsplit("/", 1)[1]) for row in rows])
    for row in rows:
        row.sponsorship = held.get(int(row.key.rsplit("/", 1)[1]))  # type: ignore[attr-defined]


def still_wanted(row: Delivery, _now: datetime) -> str | None:
    """A handover to who sponsors it still, thanks to who does not again; None to send it, else why not."""
    found: Sponsorship | None = row.sponsorship  # type: ignore[attr-defined]
    if found is None:
        return "the program is gone"
    sponsors = found.program.sponsor_id == found.sponsor_id
    if row.kind == HANDOVER and not sponsors:
        return "somebody else sponsors it by now"
    return "they sponsor it again" if row.kind == THANKS and sponsors else None
