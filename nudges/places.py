"""A person's place for digests as their own page shows it, and a test of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts import audit
from accounts.models import User
from program import wording

from . import outbox, routes, words
from .cards import Card
from .kinds import Kind
from .models import Delivery, Route
from .outbox import Letter

NAME = "place-test"
KIND = Kind(NAME, breaker=False)
CHOICES = {
    routes.EMAIL: "E-mail", routes.SLACK: "Slack, by an incoming webhook",
    routes.SLACK_DIRECT: "Slack, as a direct message to me", routes.TEAMS: "Teams, by a workflow",
    routes.WEBHOOK: "A webhook of my own", routes.INBOX: "Nowhere: I read it here",
}  # fmt: skip
STATES = {
    Delivery.State.SENT: "was taken", Delivery.State.FAILED: "was refused", Delivery.State.IN_DOUBT: "may have arrived",
    Delivery.State.EXPIRED: "was not taken in time", Delivery.State.SUPPRESSED: "was not sent",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where digests go."""

    kind: str
    name: str
    sentence: str
    trouble: str
    last: str
    may_test: bool
    on_offer: Sequence[tuple[str, str]]


def of(person: User) -> Place:
    """The person's place. One query, two where they have one of their own."""
    route = Route.objects.filter(person=person).first()
    on_offer = [(kind, CHOICES[kind]) for kind in routes.kinds_on_offer()]
    if route is None:
        return Place(routes.EMAIL, person.email, f"By e-mail, to {person.email}.", "", "", False, on_offer)
    name = Delivery.PLACES[route.kind] + (f", {route.host}" if route.host else "")
    if route.suspended_at is not None:
        trouble = f"It takes nothing from us any more: {route.suspended_reason}. Choose it again, or another."
        sentence = (
            f"By e-mail, to {person.email}, since {name} refused a message on {wording.moment(route.suspended_at)}."
        )
        return Place(route.kind, name, sentence, trouble, "", False, on_offer)
    sentence = f"{name}, since {wording.day(route.since.date())}; nothing of it by e-mail."
    if route.kind == routes.INBOX:
        sentence = "Nowhere: they stand in your inbox here, and are sent to no place."
        return Place(route.kind, name, sentence, "", "", False, on_offer)
    return Place(route.kind, name, sentence, "", _last(route), True, on_offer)


def test(person: User, now: datetime) -> str:
    """Send a test to the person's place, once a minute at most; returns what to say of it."""
    there = of(person)
    route = Route.objects.filter(person=person, suspended_at=None).first()
    if route is None or not there.may_test:
        return "There is no place of your own to try."
    subject, text, html = words.fill(NAME, {"person": person})
    card = Card(title=subject, first=words.phrases(f"nudges/{NAME}/card.txt").first())
    letter = Letter(
        NAME, f"{route.pk}:{now:%Y-%m-%dT%H:%M}", route.address, subject, text, html, person=person,
        channel=route.kind, card=card.kept(),
    )  # fmt: skip
    row = outbox.put(letter, now)
    audit.record("outbox", row.message_id, at=now, actor=person, after={"test": route.kind})
    return f"A test goes to {there.name} with the next round; here it says what became of it."


def _last(route: Route) -> str:
    """What became of the newest message there."""
    row = Delivery.objects.filter(channel=route.kind, address=route.address).order_by("-created_at", "-pk").first()
    if row is None:
        return "Nothing was sent there yet."
    what = "test" if row.kind == NAME else "message"
    state = STATES.get(Delivery.State(row.state), "waits")
    when = wording.moment(row.sent_at or row.handed_at or row.created_at)
    return f"The last {what} {state}, {when}{f': {row.reason}' if row.reason else ''}."
