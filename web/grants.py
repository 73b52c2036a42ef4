"""Tokens: which scopes a person may grant, and which tokens they may see and revoke."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from accounts.models import AccessToken, ShareLink, User
from program.models import Feed, Program

READ_SCORECARDS = "scorecards:read"
OBSERVATIONS = "observations:"
OF_PROGRAM, OF_FEED = f"{OBSERVATIONS}program:", f"{OBSERVATIONS}feed:"


@dataclass(frozen=True)
class Grant:
    """A scope that may be granted, and what it lets its bearer do."""

    scope: str
    means: str


def grantable(user: User) -> list[Grant]:
    """What a person may grant: everybody reading, and who runs a program sending to it."""
    found = [Grant(READ_SCORECARDS, "read the scorecards that you see")]
    programs = Program.objects.run_by(user)
    for key, name in programs.order_by("key").values_list("key", "name"):
        found.append(Grant(f"{OF_PROGRAM}{key}", f"send observations of every metric of {name}"))
    feeds = Feed.objects.filter(program__in=programs).order_by("key")
    for key, name, program in feeds.values_list("key", "name", "program__name"):
        found.append(Grant(f"{OF_FEED}{key}", f"send to the feed {name} of {program} only"))
    return found


def visible_to(user: User) -> Sequence[AccessToken]:
    """To an administrator all tokens, to others their own and those that may feed the programs they run."""
    every = AccessToken.objects.select_related("created_by").order_by("-created_at", "-pk")
    if user.is_superuser and not user.reads_only:
        return list(every)
    programs = Program.objects.run_by(user)
    keys = list(programs.values_list("key", flat=True))
    if not keys:
        return list(every.filter(created_by=user))
    wanted = feeding(keys, list(Feed.objects.filter(program__in=programs).values_list("key", flat=True)))
    return [token for token in every if token.created_by_id == user.pk or not wanted.isdisjoint(token.scopes)]


def feeding(programs: Collection[str], feeds: Collection[str]) -> set[str]:
    """The scopes that let somebody send to these programs and feeds."""
    return {f"{OF_PROGRAM}{key}" for key in programs} | {f"{OF_FEED}{key}" for key in feeds}


def prefixes_of(user: User, programs: Collection[str], feeds: Collection[str]) -> set[str]:
    """How the tokens and share links are called in the audit log that concern these programs, or that they made."""
    wanted = feeding(programs, feeds)
    tokens = AccessToken.objects.values_list("prefix", "scopes", "created_by")
    found = {prefix for prefix, scopes, by in tokens if by == user.pk or not wanted.isdisjoint(scopes)}
    ours = ShareLink.objects.filter(created_by=user).values_list("prefix", flat=True)
    shown = ShareLink.objects.filter(scope__in=[f"program:{key}" for key in programs]).values_list("prefix", flat=True)
    return found | {*ours, *shown}
