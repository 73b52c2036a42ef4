"""A person's own page: what others see of them, when they are away, how they sign in, what mail they get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import entry, profile, roles, second_factor, throttle
from accounts.clock import now
from accounts.models import User
from nudges import links, places, routes, sign_in_mail, wishes
from nudges.models import Mute
from nudges.places import Place
from program.models import Program
from reviews import calendar_feeds
from reviews.models import programs_reviewed_by
from teams.models import Goal, Membership
from web import access, waits_told
from web.render import page

NOT_IT = "That is not your present password."


@dataclass
class Context:
    """The page; `values` is what the form shows, `faults` belong to the part named `part`."""

    template: ClassVar[str] = "pages/me.html"
    here: ClassVar[str] = "me"
    person: User
    role: str
    means: str
    memberships: Sequence[Membership]
    values: Mapping[str, str]
    zones: Sequence[str]
    part: str
    faults: Sequence[str]
    factor_since: datetime | None
    codes_left: int
    muted_all: bool
    muted: Sequence[Program]
    heard: Sequence[Program]
    place: Place
    chosen: str
    secret: str
    muted_goals: Sequence[Goal]
    calendar_since: date | None
    calendar_offered: bool
    calendar_address: str
    messages: Sequence[str]


@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """Show the page; its POST keeps what others see, and when the person is away."""
    if request.method != "POST":
        return _page(request)
    typed = {name: request.POST.get(name, "") for name in profile.FIELDS}
    try:
        done = profile.change(access.person(request), typed, now())
    except profile.NotKept as fault:
        access.person(request).refresh_from_db()
        return _page(request, "profile", fault.faults, typed, 400)
    messages.info(request, "Kept." if done else "Nothing was changed.")
    return redirect("me")


@sensitive_post_parameters("current", "password")
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """Change the password, for whoever knows the present one."""
    person = access.person(request)
    taken = throttle.take((throttle.SIGN_IN, person.email), now=now())
    if taken.wait is not None:
        answer = _page(request, "password", [waits_told.words(taken.wait)], status=429)
        return waits_told.told(answer, taken.wait)
    if not person.check_password(request.POST.get("current", "")[: entry.LONGEST_PASSWORD]):
        return _page(request, "password", [NOT_IT], status=400)
    taken.give_back()
    new = request.POST.get("password", "")
    if faults := entry.password_faults(new, person):
        return _page(request, "password", faults, status=400)
    with transaction.atomic():
        entry.change_password(person, new, now())
        sign_in_mail.tell_of_change(person, sign_in_mail.PASSWORD, now())
    update_session_auth_hash(request, person)
    messages.info(request, "Your password is changed. Every other session of yours is ended.")
    return redirect("me")


@require_POST
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End every session of this person but this one."""
    person = access.person(request)
    roles.sign_out_everywhere(person, person, now())
    update_session_auth_hash(request, person)
    messages.info(request, "Every other session of yours is ended.")
    return redirect("me")


@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    """Stop nudges or let them come again, of one program or of all; let those of a goal come again; or use a refused
    address again."""
    person = access.person(request)
    key, action = request.POST.get("program", ""), request.POST.get("do", "")
    if action == "address":
        profile.resume_mail(person, now())
        messages.info(request, "Mail goes to your address again.")
        return redirect("me")
    if action not in (links.STOP, links.START):
        return _page(request, "mail", [f"do is one of {links.STOP}, {links.START}, address."], status=400)
    if request.POST.get("goal"):
        return _hear_again(request, person, action)
    told = {program.key: program for program in _muted(person)}
    program = (told.get(key) or access.program(request, key)) if key else None
    links.act(links.Intent(person, program, action), now(), via="profile")
    what = f"nudges of {program.name}" if program else "nudges"
    messages.info(request, f"No more {what} from now on." if action == links.STOP else f"The {what} come again.")
    return redirect("me")


@sensitive_post_parameters("url")
@require_POST
def place(request: HttpRequest) -> HttpResponse:
    """Choose where digests go, or send a test there. What was pasted is never shown again, even if it is refused."""
    person, action = access.person(request), request.POST.get("do", "")
    if action == "test":
        messages.info(request, places.test(person, now()))
        return redirect(f"{reverse('me')}#place")
    if action != "choose":
        return _page(request, "place", ["do is one of choose, test."], status=400)
    kind = request.POST.get("kind", "")
    try:
        chosen = routes.choose(person, kind, request.POST.get("url", ""), now())
    except routes.NotKept as fault:
        return _page(request, "place", [str(fault)], status=400, chosen=kind)
    if chosen.secret:
        return _page(request, secret=chosen.secret)
    messages.info(request, f"From now on your digests go here: {places.of(person).name}.")
    return redirect(f"{reverse('me')}#place")


@require_POST
def calendar(request: HttpRequest) -> HttpResponse:
    """Make the address of the private calendar (in the stead of one there was), shown this once; or end it."""
    person, action = access.person(request), request.POST.get("do", "")
    if action == "make":
        return _page(request, calendar_address=calendar_feeds.make(person, now()))
    if action != "end":
        return _page(request, "calendar", ["do is one of make, end."], status=400)
    done = calendar_feeds.end(person, now())
    messages.info(request, "Your calendar address is ended." if done else "Nothing was changed.")
    return redirect(f"{reverse('me')}#calendar")


def _hear_again(request: HttpRequest, person: User, action: str) -> HttpResponse:
    """Let nudges about a goal come again that the person muted. To mute one is an answer, on the goal's own page."""
    goal = next((one for one in _muted_goals(person) if str(one.pk) == request.POST["goal"]), None)
    if goal is None or action != links.START:
        raise Http404
    wishes.unmute(goal, person, now(), via="profile")
    messages.info(request, f"The nudges about {goal.team.name}, {goal.metric.name} come again.")
    return redirect("me")


def _muted_goals(person: User) -> list[Goal]:
    """Goals about which this person wants no nudges, as long as there are any. One query."""
    rows = Goal.objects.filter(mutes__person=person, ended_on=None).select_related("team", "metric", "program")
    return list(rows.order_by("team__name", "metric__name", "pk"))


def _muted(person: User) -> list[Program]:
    """Programs whose nudges this person stopped."""
    return list(Program.objects.filter(mutes__person=person, mutes__goal=None).order_by("name"))


def _page(
    request: HttpRequest,
    part: str = "",
    faults: Sequence[str] = (),
    typed: Mapping[str, str] | None = None,
    status: int = 200,
    *,
    chosen: str = "",
    secret: str = "",
    calendar_address: str = "",
) -> HttpResponse:
    person = access.person(request)
    there = places.of(person)
    stopped = _muted(person)
    seen = set(Program.objects.visible_to(person).values_list("pk", flat=True))
    role = roles.of(person)
    factor_since = second_factor.since(person)
    since = calendar_feeds.since(person)
    return page(
        request,
        Context(
            person=person,
            role=str(role),
            means=roles.MEANS[role],
            memberships=list(person.memberships.select_related("team").order_by("role", "team__name")),
            values=profile.as_typed(person) if typed is None else typed,
            zones=profile.zones(),
            part=part,
            faults=faults,
            factor_since=factor_since,
            codes_left=second_factor.recovery_codes_left(person) if factor_since else 0,
            muted_all=Mute.objects.filter(person=person, program=None, goal=None).exists(),
            muted=stopped,
            heard=[
                program for program in links.programs_heard(person) if program.pk in seen and program not in stopped
            ],
            place=there,
            chosen=chosen if chosen in routes.kinds_on_offer() else there.kind,
            secret=secret,
            muted_goals=_muted_goals(person),
            calendar_since=since,
            calendar_offered=since is not None or programs_reviewed_by(person).exists(),
            calendar_address=calendar_address,
            messages=[str(message) for message in messages.get_messages(request)],
        ),
        status,
    )
