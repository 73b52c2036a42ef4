"""The handover brief: what a program is for, where it stands, what is open and what is wanted first, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from accounts.clock import today
from accounts.models import User
from program import wording as say
from program.models import Program, ProgramOwner
from teams.boards import totals

from . import ask_words, standing
from .models import Ask, Brief, Decision, Effect, Priority, Review, Sponsorship
from .models.effects import holding
from .verdict_words import OPENS, verdict_of

MOST = 12


@dataclass(frozen=True)
class OpenAsk:
    """One open ask: of whom, its day (ask_words.by_when), and whether that is over."""

    text: str
    of: str
    due: str
    late: bool


@dataclass(frozen=True)
class Handover:
    """Everything the page and the mail say."""

    sponsor: str
    former: str
    since: str
    mandate: str
    purpose: str
    runs: str
    stop_if: str
    owners: Sequence[User]
    where: str
    verdict: str
    asks: Sequence[OpenAsk]
    more_asks: int
    decisions: Sequence[str]
    priorities: Sequence[str]
    kept: str
    """what became of all that was asked while the former one sponsored it, in a sentence"""
    review: str
    brief: int | None
    """the newest brief's review, to read on"""
    first: str
    """what is wanted first"""
    on: str


def compose(program: Program, former: Sponsorship | None, now: datetime) -> Handover:
    """The brief as of now, in a constant number of queries. `former` sponsored the program before."""
    on = today(program.review_zone, now)
    asks = list(Ask.objects.filter(program=program).select_related("of"))
    open_asks = sorted(
        (ask for ask in asks if ask.state == Ask.State.OPEN), key=lambda ask: (ask.due or date.max, ask.pk)
    )
    newest = Brief.objects.filter(review__program=program).order_by("-frozen_at").first()
    coming = Review.objects.to_come(now).filter(program=program).first()
    owners = ProgramOwner.objects.filter(program=program, user__is_active=True).select_related("user")
    noted = list(Priority.objects.filter(program=program, over_at=None).select_related("by"))
    ready = newest is not None and coming is not None and newest.review_id == coming.pk
    return Handover(
        sponsor=str(program.sponsor) if program.sponsor else "",
        former=str(former.sponsor) if former else "",
        since=say.near_day(today(program.review_zone, former.until), on) if former and former.until else "",
        mandate=program.mandate,
        purpose=program.purpose,
        runs=f"{say.day(program.start)} to {say.day(program.end)}",
        stop_if=program.stop_if,
        owners=list({owner.user_id: owner.user for owner in owners.order_by("-role", "pk")}.values()),
        where=standing.sentence(totals(program, on)),
        verdict=_verdict(program, newest, on),
        asks=[_open(ask, on) for ask in open_asks[:MOST]],
        more_asks=max(0, len(open_asks) - MOST),
        decisions=_decisions(program, on),
        priorities=[
            f"{say.near_day(today(program.review_zone, one.at), on)}, {one.by}: “{' '.join(one.text.split())}”"
            for one in noted
        ],
        kept=_kept(asks, former),
        review=_review(coming, program),
        brief=newest.review_id if newest else None,
        first=_first(program, open_asks, coming, on, ready=ready),
        on=say.day(on),
    )


def _open(ask: Ask, on: date) -> OpenAsk:
    return OpenAsk(ask.text, str(ask.of or ""), ask_words.by_when(ask, on), ask_words.is_late(ask, on))


def _decisions(program: Program, on: date) -> list[str]:
    rows = Decision.objects.filter(review__program=program, struck_at=None).select_related("review")
    newest = rows.order_by("-review__starts_at", "-pk")[:MOST]
    return [f"{say.near_day(one.review.local_start.date(), on)}: {one.text}" for one in newest]


def _verdict(program: Program, newest: Brief | None, on: date) -> str:
    """What the last brief said of the effect; before the first one, the word that was found."""
    if newest is None:
        word = verdict_of(holding(Effect, program, on))
        return f"{OPENS[word]}. No brief was written yet." if word else "No brief was written yet: there is no verdict."
    said = newest.content
    of = say.near_day(date.fromisoformat(said["on"]), on)
    return f"The last brief, of {of}: {said['verdict']} {said['effect']}".strip()


def _kept(asks: Sequence[Ask], former: Sponsorship | None) -> str:
    """What became of what was asked in the former sponsor's time."""
    if former is None:
        return ""
    until = former.until
    theirs = [ask for ask in asks if ask.raised_at >= former.since and (until is None or ask.raised_at <= until)]
    if not theirs:
        return "Nothing was asked in that time."
    parts = [(state, sum(ask.state == state for ask in theirs)) for state in Ask.State.values]
    return (
        f"Of {say.count(len(theirs), 'ask')} in that time: {say.listed([f'{n} {state}' for state, n in parts if n])}."
    )


def _review(coming: Review | None, program: Program) -> str:
    if coming is None:
        return "No review is in the calendar." if not program.review_every else "The next review has no day yet."
    start = coming.local_start
    return f"The next review is on {say.weekday(start.date())} {start.year} at {start:%H:%M} ({coming.zone})."


def _first(program: Program, asks: Sequence[Ask], coming: Review | None, on: date, *, ready: bool) -> str:
    """The one thing to begin with: what is asked of the sponsor, else what is late, else the next review."""
    mine = [ask for ask in asks if ask.of_id is not None and ask.of_id == program.sponsor_id]
    if mine:
        return f"It is asked of you: {mine[0].text}"
    late = [ask for ask in asks if ask_words.is_late(ask, on)]
    if late:
        who = f" {late[0].of}" if late[0].of else " whoever should do it"
        return f"Ask{who} about this, which was due on {say.near_day(late[0].due, on)}: {late[0].text}"
    if asks:
        who = f" of {asks[0].of}" if asks[0].of else ""
        return f"Say whether you stand by the ask{who} that comes first: {asks[0].text}"
    if not program.mandate:
        return "Say what you can change for the teams: the charter has no mandate."
    if coming is not None:
        brief = "its brief is ready" if ready else "its brief comes three working days ahead"
        return f"Keep the review on {say.weekday(coming.local_start.date())}; {brief}."
    return "Say whether the priorities of the charter are yours too."
