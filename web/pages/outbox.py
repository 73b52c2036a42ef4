"""The outbox for owners: what was sent, held, suppressed or withheld and why, and what waits on their decision."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts import profile
from accounts.clock import now, today
from accounts.models import User
from nudges import addresses, outbox, restraint, restraint_mail, withholding
from nudges.addresses import Refused
from nudges.models import Delivery, DeliveryQuerySet, Notice, Nudge, Restraint
from nudges.policy import TONES, in_words
from program import wording
from program.models import Program
from web import access, framed
from web.answers_told import AnswersTold, answers_told
from web.render import page

WEEKS = 8
LINES = 30
WAITING_AT_MOST = 100
State = Delivery.State
MEANS = {
    State.PENDING: "waits for its hour",
    State.CLAIMED: "is about to be handed over",
    State.HANDING: "is being handed over",
    State.SENT: "the mail server, or the place its receiver chose, took it",
    State.IN_DOUBT: "the connection broke while it was handed over, so it may have arrived or not",
    State.HELD: "a brake stopped it, and it goes only when an owner lets it go",
    State.SUPPRESSED: "it was not wanted any more when its hour came, or somebody dropped it",
    State.EXPIRED: "it could not be sent in time, and late news is no news",
    State.FAILED: "the mail server, or the place its receiver chose, refused it for good",
}
"""What each state means, beside its word."""

TOKEN = re.compile(r"(/(?:unsubscribe|answer|vote)/)[^/\s\"'<>]+")
"""A link that does something for its addressee, without a sign-in."""

# Most pressing first.
DECIDE = {
    State.IN_DOUBT: ("arrived", "send-again"),
    State.HELD: ("release", "drop"),
    State.PENDING: ("drop",),
}
ACTIONS: dict[str, Callable[[Delivery, datetime, User], object]] = {
    "release": lambda row, at, who: outbox.release([row], at, who),
    "drop": outbox.drop,
    "arrived": outbox.arrived,
    "send-again": outbox.send_again,
}
BUTTONS = {"release": "Let it go", "drop": "Drop it", "arrived": "It arrived", "send-again": "Send it again"}
DONE = {
    "release": "It goes out with the next round",
    "drop": "It is dropped and will not be sent",
    "arrived": "It counts as sent",
    "send-again": "It is sent once more, under its old Message-ID",
}


@dataclass(frozen=True)
class Line:
    """One message: when, in the program's zone, and what an owner may decide about it.

    One digest speaks of all programs of its addressee: where one of them is not the reader's to see, `hidden` says so,
    and nothing of its words is shown.
    """

    row: Delivery
    title: str
    hidden: bool
    when: str
    means: str
    actions: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Reason:
    """A rule that withheld nudges, in words."""

    words: str
    number: int


@dataclass(frozen=True)
class Withheld:
    """One nudge that was not said."""

    nudge: Nudge
    words: str


@dataclass(frozen=True)
class Restrained:
    """A kind of nudge that slowed itself down or stopped, and why."""

    row: Restraint
    tone: str
    evidence: str
    changed: str


@dataclass
class Context:
    """The outbox of one program."""

    template: ClassVar[str] = "pages/outbox.html"
    here: ClassVar[str] = "programs"
    program: Program
    since: date
    sentence: str
    states: Sequence[tuple[str, str, int]]
    state: str
    reasons: Sequence[Reason]
    waiting: Sequence[Line]
    held: int
    restraints: Sequence[Restrained]
    lines: Sequence[Line]
    pages: Page[Delivery]
    withheld: Sequence[Withheld]
    answers: AnswersTold
    refused: Sequence[Refused]
    messages: Sequence[str]


@dataclass
class MailContext:
    """One message."""

    template: ClassVar[str] = "pages/mail.html"
    here: ClassVar[str] = "programs"
    program: Program
    line: Line
    text: str


@require_safe
def nudges(request: HttpRequest, key: str) -> HttpResponse:
    """What was sent and what was not in the last eight weeks; ?state= shows one state only."""
    program = access.owned_program(request, key)
    since = now() - timedelta(weeks=WEEKS)
    every = _of(program)
    lately = every.filter(created_at__gte=since)
    decided = Nudge.objects.filter(goal__program=program, decided_at__gte=since)
    by_state = dict(lately.order_by().values_list("state").annotate(Count("pk", distinct=True)))
    by_reason = decided.filter(state=Nudge.State.WITHHELD).order_by().values_list("reason").annotate(n=Count("pk"))
    reasons = [Reason(in_words(reason), n) for reason, n in sorted(by_reason, key=lambda pair: (-pair[1], pair[0]))]
    state = request.GET.get("state", "")
    shown = lately.filter(state=state) if state in State.values else lately
    pages = Paginator(shown.select_related("person").order_by("-created_at", "-pk"), LINES).get_page(
        request.GET.get("page")
    )
    stuck = every.filter(state__in=(State.HELD, State.IN_DOUBT)).select_related("person").order_by("state", "pk")
    shown_rows, stuck_rows = list(pages), list(stuck[:WAITING_AT_MOST])
    hidden = _hidden([*shown_rows, *stuck_rows], access.person(request))
    waiting = [_line(row, program, hidden) for row in stuck_rows]
    keys = set(Program.objects.visible_to(access.person(request)).values_list("key", flat=True))
    context = Context(
        program=program,
        since=since.date(),
        sentence=_sentence(by_state, decided.filter(state=Nudge.State.SAID).count(), reasons, len(waiting)),
        states=[(str(one), MEANS[State(one)], by_state[one]) for one in State.values if one in by_state],
        state=state if state in State.values else "",
        reasons=reasons,
        waiting=waiting,
        held=sum(line.row.state == State.HELD for line in waiting),
        restraints=[_restrained(row) for row in restraint.standing(program)],
        lines=[_line(row, program, hidden) for row in shown_rows],
        pages=pages,
        withheld=[
            Withheld(nudge, withholding.why(nudge, keys))
            for nudge in decided.filter(state=Nudge.State.WITHHELD)
            .select_related("person", "goal__team", "goal__metric")
            .order_by("-decided_at", "-pk")[:LINES]
        ],
        answers=answers_told(program, since, today(program.review_zone)),
        refused=addresses.refused([program]),
        messages=[str(message) for message in messages.get_messages(request)],
    )
    return page(request, context)


@framed.host
@require_safe
def mail(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """One message: its text, and its HTML in a frame that can do nothing."""
    program, row = _row(request, key, pk)
    line = _line(row, program, _hidden([row], access.person(request)))
    text = "" if line.hidden else _shown(row.text, row, access.person(request))
    return page(request, MailContext(program, line, text))


@framed.document
@require_safe
def mail_html(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """The HTML part as a document of its own."""
    _, row = _row(request, key, pk)
    if _hidden([row], access.person(request)):
        raise Http404
    return HttpResponse(_shown(row.html, row, access.person(request)) or "<p>This message has no HTML part.</p>")


@require_POST
def decide(request: HttpRequest, key: str, pk: int, action: str) -> HttpResponse:
    """Settle a message that is held, in doubt or still waiting. What somebody settled before stays as it is."""
    program, row = _row(request, key, pk)
    if action not in ACTIONS:
        raise Http404
    if action in DECIDE.get(State(row.state), ()) and ACTIONS[action](row, now(), access.person(request)):
        messages.info(request, f"{DONE[action]}: the message to {row.person or row.shown_address}.")
    else:
        row.refresh_from_db()
        messages.info(
            request, f"The message to {row.person or row.shown_address} is {row.state} by now; nothing was done."
        )
    return redirect("program-nudges", program.key)


@require_POST
def release(request: HttpRequest, key: str) -> HttpResponse:
    """Let all go that a brake holds; each is checked again before it is sent."""
    program = access.owned_program(request, key)
    held = _of(program).visible_to(access.person(request)).filter(state=State.HELD)
    released = outbox.release(list(held), now(), access.person(request))
    said = f"{wording.count(released, 'message')} {'goes' if released == 1 else 'go'} out with the next round."
    messages.info(request, said)
    return redirect("program-nudges", program.key)


@require_POST
def address(request: HttpRequest, key: str, person: int) -> HttpResponse:
    """Let mail go again to somebody of this program whose address was refused: an owner knows that it works."""
    program = access.owned_program(request, key)
    one = next((one for one in addresses.refused([program]) if one.person.pk == person), None)
    if one is None:
        raise Http404
    profile.resume_mail(one.person, now(), access.person(request))
    messages.info(request, f"Mail goes to {one.person}’s address again. If it is refused once more, you are told.")
    return redirect("program-nudges", program.key)


@require_POST
def resume(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Start a kind of nudge again that slowed itself down or stopped."""
    program = access.owned_program(request, key)
    row = get_object_or_404(Restraint.objects.select_related("program"), pk=pk, program=program)
    if restraint.resume(row, by=access.person(request), now=now()):
        said = f"The nudges “{TONES[row.tone]}” are as usual again; what comes of them is counted from today on."
    else:
        said = f"The nudges “{TONES[row.tone]}” were not {row.state} any more; nothing was done."
    messages.info(request, said)
    return redirect("program-nudges", program.key)


def _restrained(row: Restraint) -> Restrained:
    return Restrained(row, TONES[row.tone], restraint_mail.evidence(row.evidence), restraint_mail.changed(row.state))


def _of(program: Program) -> DeliveryQuerySet:
    """The messages of a program that its owners may read."""
    return Delivery.objects.of_program(program).filter(private=False)


def _row(request: HttpRequest, key: str, pk: int) -> tuple[Program, Delivery]:
    program = access.owned_program(request, key)
    row = get_object_or_404(_of(program), pk=pk)
    if not Delivery.objects.visible_to(access.person(request)).filter(pk=row.pk).exists():
        raise Http404
    return program, row


def _shown(part: str, row: Delivery, reader: User) -> str:
    """A part of a message for its reader; what its links could do for the addressee, they do for nobody else."""
    return part if row.person_id == reader.pk else TOKEN.sub(r"\1…", part)


def _hidden(rows: Sequence[Delivery], reader: User) -> set[int]:
    """Those of these messages that also speak of a program that is not the reader's to see. Three queries."""
    seen = Program.objects.visible_to(reader).order_by().values("pk")
    spoken = Nudge.objects.filter(digest__delivery__in=rows).exclude(goal__program__in=seen)
    told = Notice.objects.filter(digest__delivery__in=rows, goal__isnull=False).exclude(goal__program__in=seen)
    found = spoken.order_by().values_list("digest__delivery").union(told.order_by().values_list("digest__delivery"))
    hidden = {pk for (pk,) in found}
    # What a new lead took over names its programs in its facts.
    keys = set(Program.objects.visible_to(reader).values_list("key", flat=True))
    handed = Notice.objects.filter(digest__delivery__in=rows, goal__isnull=True)
    for pk, facts in handed.values_list("digest__delivery", "facts"):
        if not keys.issuperset(facts.get("programs", ())):
            hidden.add(pk)
    return hidden - {row.pk for row in rows if row.person_id == reader.pk}


def _line(row: Delivery, program: Program, hidden: Collection[int]) -> Line:
    at = (row.sent_at or row.created_at).astimezone(ZoneInfo(program.review_zone))
    actions = [(action, BUTTONS[action]) for action in DECIDE.get(State(row.state), ())]
    title = row.subject or f"{row.kind.capitalize()}, not written yet"
    if row.pk in hidden:
        title = "A digest that also speaks of a program you may not see"
    return Line(row, title, row.pk in hidden, f"{wording.day(at.date())}, {at:%H:%M}", MEANS[State(row.state)], actions)


def _sentence(by_state: dict[str, int], said: int, reasons: Sequence[Reason], waiting: int) -> str:
    """The page's first line."""
    withheld = sum(reason.number for reason in reasons)
    sent = f"{wording.count(by_state.get(State.SENT, 0), 'message')} sent"
    nudged = f"{wording.count(said, 'nudge')} said and {withheld} withheld"
    waits = f"{wording.count(waiting, 'message')} {'waits' if waiting == 1 else 'wait'} on you" if waiting else ""
    return f"{waits or 'Nothing waits on you'}. In the last {WEEKS} weeks: {sent}; {nudged}."
