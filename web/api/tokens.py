"""Bearer tokens at the API's door: who sends, and which scope lets them do what."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.clock import now
from accounts.models import AccessToken, User
from accounts.tokens import recognize
from web.grants import OBSERVATIONS, READ_SCORECARDS
from web.viewers import kept_from


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer tqp_…`; `request.auth` is then the AccessToken, and nobody is signed in."""

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, AccessToken] | None:
        word, _, secret = get_authorization_header(request).partition(b" ")
        if word.lower() != b"bearer":
            return None
        token = recognize(secret.decode("latin-1").strip(), now())
        if token is None:
            raise AuthenticationFailed("the token is unknown, expired or revoked")
        return AnonymousUser(), token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the signature is DRF's
        return "Bearer"


class SignedIn(SessionAuthentication):
    """Whoever is signed in; to a viewer nothing is here that could change something."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        found = super().authenticate(request)
        if found is not None and kept_from(found[0], request.method):
            raise NotFound("a viewer changes nothing")
        return found


class BearerTokenScheme(OpenApiAuthenticationExtension):
    """How the schema names it."""

    target_class = BearerToken
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - the signature is theirs
        return {"type": "http", "scheme": "bearer"}


class SignedInScheme(OpenApiAuthenticationExtension):
    """How the schema names it."""

    target_class = SignedIn
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - the signature is theirs
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


class FeedsObservations(BasePermission):
    """Only a token with a scope for observations."""

    message = "a token with a scope such as observations:program:KEY was expected"

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002
        return isinstance(request.auth, AccessToken) and any(
            scope.startswith(OBSERVATIONS) for scope in request.auth.scopes
        )


class ReadsScorecards(BasePermission):
    """A signed-in member, or a token with the scope scorecards:read."""

    message = f"a sign-in or a token with the scope {READ_SCORECARDS} was expected"

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002
        if isinstance(request.auth, AccessToken):
            return READ_SCORECARDS in request.auth.scopes
        return bool(request.user.is_authenticated)


BOTH = (BearerToken, SignedIn)
