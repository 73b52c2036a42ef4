"""People: the list, inviting, and what an administrator does about one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.contrib import messages
from django.core.paginator import Page
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts import entry, profile, roles, second_factor, throttle
from accounts.clock import now
from accounts.models import AccessToken, AuditRow, ShareLink, User
from accounts.roles import Refused, Role
from nudges import sign_in_mail
from program import wording
from program.models import Program
from web import access, directory, invitations, waits_told
from web.invitations import Invitation
from web.render import page

HISTORY = 20
LONGEST_REASON = 500


@dataclass
class Context:
    """The list of people, for an administrator with what can be done."""

    template: ClassVar[str] = "pages/people.html"
    here: ClassVar[str] = "people"
    sentence: str
    q: str
    show: str
    shown: Mapping[str, str]
    lines: Sequence[directory.Line]
    pages: Page[User]
    is_admin: bool
    may_invite: bool
    invitations: Sequence[Invitation]
    more_invitations: int
    roles: Sequence[tuple[str, str]]
    typed: Mapping[str, str]
    problem: str
    messages: Sequence[str]


@dataclass
class PersonContext:
    """One person, for an administrator."""

    template: ClassVar[str] = "pages/person.html"
    here: ClassVar[str] = "people"
    line: directory.Line
    invitation: Invitation | None
    is_self: bool
    can_sign_in: bool
    runs: Sequence[Program]
    sponsors: Sequence[Program]
    tokens: Sequence[AccessToken]
    share_links: Sequence[ShareLink]
    ends: Sequence[str]
    roles: Sequence[tuple[str, str]]
    history: Sequence[tuple[AuditRow, str]]
    reason: str
    problem: str
    messages: Sequence[str]


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody whom the reader sees; ?q= finds, ?show= narrows."""
    return _list(request)


@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody by e-mail: an administrator as anything, an owner of a program as a member."""
    by = access.person(request)
    if not access.may_invite(request):
        raise Http404
    typed = {name: request.POST.get(name, "") for name in ("email", "name", "role")}
    taken = throttle.take((throttle.INVITE, str(by.pk)), now=now())
    if taken.wait is not None:
        return waits_told.told(_list(request, waits_told.words(taken.wait), typed, 429), taken.wait)
    try:
        role = Role(typed["role"]) if typed["role"] else None
        with transaction.atomic():
            opened = entry.invite(typed["email"], role, by, now(), name=typed["name"])
            sign_in_mail.invite(opened, now())
    except ValueError:
        return _list(request, f"A role is one of {', '.join(Role)}.", typed, 400)
    except Refused as refused:
        return _list(request, str(refused), typed, 400)
    whom = opened.link.user.email
    messages.info(request, f"An invitation to {whom} waits in the outbox: below is said how its mail stands.")
    return redirect("people")


@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: what they are, and what can be done."""
    return _person(request, _found(request, pk))


@require_POST
def change(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Do one thing about one person."""
    whom = _found(request, pk)
    if action not in ACTIONS:
        raise Http404
    reason = request.POST.get("reason", "").replace("\0", "").strip()
    if len(reason) > LONGEST_REASON:
        return _person(request, whom, f"A reason of at most {LONGEST_REASON} characters was expected.", reason, 400)
    try:
        said = ACTIONS[action](request, whom, now(), reason)
    except Refused as refused:
        return _person(request, whom, str(refused), reason, 400)
    messages.info(request, said)
    return redirect("person", whom.pk)


def _give_role(request: HttpRequest, whom: User, at: datetime, reason: str) -> str:
    try:
        role = Role(request.POST.get("role", ""))
    except ValueError:
        raise Refused(f"A role is one of {', '.join(Role)}.") from None
    done = roles.give(whom, role, access.person(request), at, reason=reason)
    return f"{whom} is {'now ' if done else ''}{_a(role)}: {roles.MEANS[role]}."


def _deactivate(request: HttpRequest, whom: User, at: datetime, reason: str) -> str:
    roles.deactivate(whom, access.person(request), at, reason=reason)
    return f"{whom} may not enter any more: sessions, tokens and links have ended."


def _reactivate(request: HttpRequest, whom: User, at: datetime, reason: str) -> str:
    roles.reactivate(whom, access.person(request), at, reason=reason)
    return f"{whom} may enter again, with a new sign-in; tokens and links that ended stay ended."


def _sign_out(request: HttpRequest, whom: User, at: datetime, _reason: str) -> str:
    if whom == request.user:
        raise Refused("Your own sessions are ended on your own page.")
    roles.sign_out_everywhere(whom, access.person(request), at)
    return f"Every session of {whom} is ended."


def _remove_factor(request: HttpRequest, whom: User, at: datetime, reason: str) -> str:
    by = access.person(request)
    if whom == by:
        raise Refused("Your own second factor is changed on your own page.")
    with transaction.atomic():
        done = second_factor.remove(whom, by, at, reason=reason)
        if done:
            sign_in_mail.tell_of_change(whom, sign_in_mail.FACTOR_REMOVED, at, by)
    return f"{whom} signs in without a second factor {'now' if done else 'already'}."


def _invite_again(request: HttpRequest, whom: User, at: datetime, reason: str) -> str:
    with transaction.atomic():
        opened = entry.invite(whom.email, None, access.person(request), at, reason=reason)
        sign_in_mail.invite(opened, at)
    return f"An invitation to {whom.email} waits in the outbox; earlier ones work no more."


def _use_address(request: HttpRequest, whom: User, at: datetime, _reason: str) -> str:
    profile.resume_mail(whom, at, access.person(request))
    return f"Mail goes to {whom.email}."


ACTIONS: dict[str, Callable[[HttpRequest, User, datetime, str], str]] = {
    "role": _give_role,
    "deactivate": _deactivate,
    "reactivate": _reactivate,
    "sign-out": _sign_out,
    "remove-factor": _remove_factor,
    "invite": _invite_again,
    "address": _use_address,
}
"""What an administrator may do about a person; each says what it did."""


def _found(request: HttpRequest, pk: int) -> User:
    if not access.person(request).is_superuser or access.person(request).reads_only or pk >= 2**63:
        raise Http404
    return get_object_or_404(User.objects.visible_to(access.person(request)), pk=pk)


def _a(role: Role) -> str:
    return f"{'an' if role == Role.ADMIN else 'a'} {role}"


def _list(
    request: HttpRequest, problem: str = "", typed: Mapping[str, str] | None = None, status: int = 200
) -> HttpResponse:
    reader, at = access.person(request), now()
    q, show = request.GET.get("q", "").strip()[:100], request.GET.get("show", "")
    pages = directory.a_page(directory.people(reader, q, show, at), request.GET.get("page"))
    is_admin, may_invite = reader.is_superuser and not reader.reads_only, access.may_invite(request)
    open_ones = invitations.open_to(reader, at) if may_invite else []
    context = Context(
        sentence=directory.sentence(reader),
        q=q,
        show=show if show in directory.SHOWN else "",
        shown=directory.SHOWN,
        lines=directory.lines(list(pages), at),
        pages=pages,
        is_admin=is_admin,
        may_invite=may_invite,
        invitations=open_ones[: invitations.SHOWN],
        more_invitations=len(open_ones[invitations.SHOWN :]),
        roles=[(str(role), roles.MEANS[role]) for role in Role],
        typed=typed or {"email": "", "name": "", "role": ""},
        problem=problem,
        messages=[str(message) for message in messages.get_messages(request)],
    )
    return page(request, context, status)


def _person(request: HttpRequest, whom: User, problem: str = "", reason: str = "", status: int = 200) -> HttpResponse:
    whom.refresh_from_db()
    moment = now()
    (line,) = directory.lines([whom], moment)
    history = AuditRow.objects.filter(kind="person", key=whom.email).select_related("actor")
    tokens, links = roles.live_tokens(whom), roles.live_share_links(whom)
    ends = ["sessions"]
    ends += [wording.count(len(tokens), "access token")] if tokens else []
    ends += [wording.count(len(links), "share link")] if links else []
    can_sign_in = entry.can_sign_in(whom)
    context = PersonContext(
        line=line,
        invitation=None if can_sign_in else invitations.of_person(whom, moment),
        is_self=whom == request.user,
        can_sign_in=can_sign_in,
        runs=list(Program.objects.filter(owners__user=whom).distinct()),
        sponsors=list(Program.objects.filter(sponsor=whom)),
        tokens=tokens,
        share_links=links,
        ends=ends,
        roles=[(str(role), roles.MEANS[role]) for role in Role],
        history=[(row, directory.told(row)) for row in history[:HISTORY]],
        reason=reason,
        problem=problem,
        messages=[str(message) for message in messages.get_messages(request)],
    )
    return page(request, context, status)
