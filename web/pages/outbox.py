"""The outbox for owners: what was sent, held, suppressed or withheld, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from csp.decorators import csp, csp_update
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from accounts.clock import now
from accounts.models import User
from nudges import outbox
from nudges.models import Delivery, Nudge
from nudges.policy import in_words
from program.models import Program
from web import access
from web.render import page

WEEKS = 8
LINES = 60
State = Delivery.State
DECIDE = {
    State.HELD: ("release", "drop"),
    State.IN_DOUBT: ("arrived", "send-again"),
}
ACTIONS: dict[str, Callable[[Delivery, datetime, User], object]] = {
    "release": lambda row, at, who: outbox.release([row], at, who),
    "drop": outbox.drop,
    "arrived": outbox.arrived,
    "send-again": outbox.send_again,
}
BUTTONS = {"release": "Let it go", "drop": "Drop it", "arrived": "It arrived", "send-again": "Send it again"}


@dataclass(frozen=True)
class Line:
    """One message and what an owner may decide about it."""

    row: Delivery
    actions: Sequence[tuple[str, str]]


@dataclass
class Context:
    """The outbox of one program."""

    template: ClassVar[str] = "pages/outbox.html"
    here: ClassVar[str] = "programs"
    program: Program
    since: date
    states: Sequence[tuple[str, int]]
    reasons: Sequence[tuple[str, str, int]]
    said: int
    lines: Sequence[Line]
    withheld: Sequence[Nudge]
    messages: Sequence[str]


@dataclass
class MailContext:
    """One message."""

    template: ClassVar[str] = "pages/mail.html"
    here: ClassVar[str] = "programs"
    program: Program
    line: Line


@require_safe
def nudges(request: HttpRequest, key: str) -> HttpResponse:
    """What was sent and what was not in the last eight weeks."""
    program = access.owned_program(request, key)
    since = now() - timedelta(weeks=WEEKS)
    sent = Delivery.objects.of_program(program).filter(private=False, created_at__gte=since)
    decided = Nudge.objects.filter(goal__program=program, decided_at__gte=since)
    by_state = dict(sent.order_by().values_list("state").annotate(Count("pk", distinct=True)))
    by_reason = decided.filter(state=Nudge.State.WITHHELD).order_by().values_list("reason").annotate(n=Count("pk"))
    context = Context(
        program=program,
        since=since.date(),
        states=[(str(state), by_state[state]) for state in State.values if state in by_state],
        reasons=[(reason, in_words(reason), n) for reason, n in sorted(by_reason, key=lambda pair: -pair[1])],
        said=decided.filter(state=Nudge.State.SAID).count(),
        lines=[_line(row) for row in sent.select_related("person").order_by("-created_at", "-pk")[:LINES]],
        withheld=list(
            decided.filter(state=Nudge.State.WITHHELD)
            .select_related("person", "goal__team", "goal__metric")
            .order_by("-decided_at", "-pk")[:LINES]
        ),
        messages=[str(message) for message in messages.get_messages(request)],
    )
    return page(request, context)


@csp_update({"frame-src": "'self'"})  # type: ignore[arg-type]
@require_safe
def mail(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """One message: its text, and its HTML in a frame that can do nothing."""
    program, row = _row(request, key, pk)
    return page(request, MailContext(program=program, line=_line(row)))


@csp(  # type: ignore[arg-type]
    {
        "default-src": ["'none'"],
        "style-src": ["'unsafe-inline'"],
        "img-src": ["data:"],
        "frame-ancestors": ["'self'"],
        "sandbox": ["allow-popups"],
    }
)
@xframe_options_sameorigin
@require_safe
def mail_html(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """The HTML part as a document of its own."""
    _, row = _row(request, key, pk)
    return HttpResponse(row.html or "<p>This message has no HTML part.</p>")


@require_POST
def decide(request: HttpRequest, key: str, pk: int, action: str) -> HttpResponse:
    """Settle a message that is held or in doubt."""
    program, row = _row(request, key, pk)
    if action not in DECIDE.get(State(row.state), ()):
        messages.info(request, f"That message is {row.state} now; nothing was done.")
    else:
        ACTIONS[action](row, now(), access.person(request))
        messages.info(request, f"{BUTTONS[action]}: done for the message to {row.address}.")
    return redirect("program-nudges", program.key)


def _row(request: HttpRequest, key: str, pk: int) -> tuple[Program, Delivery]:
    program = access.owned_program(request, key)
    row = get_object_or_404(Delivery.objects.of_program(program).filter(private=False), pk=pk)
    if not Delivery.objects.visible_to(access.person(request)).filter(pk=row.pk).exists():
        raise Http404
    return program, row


def _line(row: Delivery) -> Line:
    return Line(row, [(action, BUTTONS[action]) for action in DECIDE.get(State(row.state), ())])
