"""Whose eyes a request of the API has: a person's own, or those of whoever made its token."""

from __future__ import annotations

from typing import cast

from rest_framework.request import Request

from accounts.models import AccessToken, User
from teams.models import Goal, GoalQuerySet


def goals(request: Request) -> GoalQuerySet:
    """The goals this reader may see: a person theirs, a token those of whoever made it, and one that was made at the
    command line those that are shown to everybody."""
    maker = request.user if request.auth is None else cast(AccessToken, request.auth).created_by
    return Goal.objects.shared_widely() if maker is None else Goal.objects.visible_to(cast(User, maker))
