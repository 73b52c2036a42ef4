"""Single sign-on by OpenID Connect: to the provider and back, and who it says somebody is.

Of django-allauth come the provider and the client of its endpoints. What is checked stands here: state, nonce and PKCE,
the token's signature, issuer, audience and time, that the provider is the one that was set, and that both its answers
are about one person. All requests go by the one guarded way out.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import requests
from allauth.core.internal.datakit import parse_bool_safely
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from requests.adapters import BaseAdapter

from accounts.entry import Identity
from program.fetch import FetchFailed, fetch

PROVIDER = "sso"
WAITING = "sign-in waits for the provider"
WAITS_FOR = timedelta(minutes=10)
AT_MOST = 5
"""Ways to the provider begun in one session at once, such as in several tabs."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key that only the provider has; none by a shared secret, and none at all."""
CLOCKS_DIFFER = timedelta(seconds=60)
MOST_BYTES = 1_000_000


class SignOnFailed(Exception):
    """The way to the provider and back did not end as it should; `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Returned:
    """Somebody came back from the provider."""

    identity: Identity
    wanted: str


def is_set() -> bool:
    """Whether there is a provider."""
    return bool(settings.OIDC_ISSUER and settings.OIDC_CLIENT_ID)


def begin(request: HttpRequest, wanted: str, now: datetime) -> str:
    """The provider's address to send the visitor to; the session remembers what is expected back."""
    adapter = _Adapter(request)
    provider = adapter.get_provider()
    address = _https_or_same(_part(adapter.openid_config, "authorization_endpoint"))
    state, nonce, pkce = secrets.token_urlsafe(32), secrets.token_urlsafe(32), provider.get_pkce_params()
    begun = dict(list(_begun(request, now).items())[1 - AT_MOST :])
    begun[state] = {
        "nonce": nonce,
        "verifier": pkce.pop("code_verifier"),
        "wanted": wanted,
        "until": (now + WAITS_FOR).isoformat(),
    }
    request.session[WAITING] = begun
    asked = {
        "client_id": settings.OIDC_CLIENT_ID,
        "redirect_uri": adapter.get_callback_url(request, provider.app),
        "response_type": "code",
        "scope": " ".join(provider.get_scope()),
        "state": state,
        "nonce": nonce,
        **pkce,
    }
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"


def finish(request: HttpRequest, now: datetime) -> Returned:
    """Who came back, by the address that the provider sent them to. Raises SignOnFailed."""
    begun = _begun(request, now)
    expected = begun.pop(request.GET.get("state", ""), None)
    if expected is None:
        raise SignOnFailed("the state is of no sign-in begun in this session in the last minutes")
    request.session[WAITING] = begun
    if "error" in request.GET or not request.GET.get("code"):
        raise SignOnFailed(f"the provider answered {request.GET.get('error', 'without a code')[:60]!a}")
    try:
        claims = _claims(_Adapter(request), request, expected)
    except SignOnFailed:
        raise
    except (OAuth2Error, requests.RequestException, jwt.PyJWTError) as fault:
        raise SignOnFailed(f"{fault}: {fault.__cause__ or ''}"[:500]) from fault
    except (LookupError, TypeError, ValueError, AttributeError) as fault:
        # Whatever a provider may answer that is no such answer.
        raise SignOnFailed(f"the provider's answer is not as expected: {fault!r}"[:500]) from fault
    vouched = claims.get("email_verified")
    verified = settings.OIDC_EMAILS_ARE_VERIFIED if vouched is None else bool(parse_bool_safely(vouched))
    name = claims.get("name")
    identity = Identity(str(claims.get("email") or ""), verified, name if isinstance(name, str) else "")
    return Returned(identity, str(expected["wanted"]))


def _begun(request: HttpRequest, now: datetime) -> dict[str, dict[str, str]]:
    """Ways to the provider that this session began and that are not too old, by their state."""
    held = request.session.get(WAITING)
    if not isinstance(held, dict):
        return {}
    return {state: one for state, one in held.items() if datetime.fromisoformat(one["until"]) > now}


def _claims(adapter: _Adapter, request: HttpRequest, expected: dict[str, str]) -> dict[str, Any]:
    """What the provider says of who came back: the signed token, and its answer about the person where that lacks."""
    app = adapter.get_provider().app
    client = adapter.get_client(request, app)
    answer = adapter.get_access_token_data(request, app, client, pkce_code_verifier=expected["verifier"])
    claims = adapter.signed_claims(str(answer["id_token"]))
    if not secrets.compare_digest(str(claims.get("nonce", "")), expected["nonce"]):
        raise SignOnFailed("the token was made for another sign-in: its nonce is not ours")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != settings.OIDC_CLIENT_ID:
        raise SignOnFailed("the token was made for another client as well, and its azp is not us")
    if not claims.get("email"):
        more = adapter.about(str(answer["access_token"]))
        if not claims["sub"] or more.get("sub") != claims["sub"]:
            raise SignOnFailed("the provider's two answers are about different people")
        claims |= {name: more.get(name) for name in ("email", "email_verified", "name")}
    return claims


class _Adapter(OpenIDConnectOAuth2Adapter):
    """The provider's addresses; that it is the one that was set is checked where they are read."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, PROVIDER)

    def get_provider(self) -> OpenIDConnectProvider:
        """The one of the settings."""
        app = SocialApp(
            provider=OpenIDConnectProvider.id,
            provider_id=PROVIDER,
            name=settings.OIDC_NAME,
            client_id=settings.OIDC_CLIENT_ID,
            secret=settings.OIDC_CLIENT_SECRET,
            settings={"server_url": settings.OIDC_ISSUER, "oauth_pkce_enabled": True},
        )
        return OpenIDConnectProvider(self.request, app=app)

    @property
    def openid_config(self) -> dict[str, Any]:
        try:
            config = super().openid_config
        except (requests.RequestException, ValueError, AttributeError) as fault:
            raise SignOnFailed(f"the provider's own description cannot be read: {fault}") from fault
        if not isinstance(config, dict) or str(config.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
            raise SignOnFailed("the provider's own description names another issuer than OIDC_ISSUER")
        return config

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:  # noqa: ARG002 - the signature is theirs
        return f"{settings.SITE_URL}{reverse('sign-in-sso-callback')}"

    def signed_claims(self, token: str) -> dict[str, Any]:
        """What a token says whose signature, issuer, audience and time are right; never one without a signature."""
        with self._session() as session:
            answer = session.get(_part(self.openid_config, "jwks_uri"))
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        named = jwt.get_unverified_header(token).get("kid")
        fitting = [key for key in keys if key.key_id == named or named is None]
        if len(fitting) != 1:
            raise SignOnFailed("the token is not signed with a key of the provider")
        claims: dict[str, Any] = jwt.decode(
            token,
            fitting[0],
            algorithms=ALGORITHMS,
            issuer=self.openid_config["issuer"],
            audience=settings.OIDC_CLIENT_ID,
            leeway=CLOCKS_DIFFER,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        return claims

    def about(self, access_token: str) -> dict[str, Any]:
        """The provider's answer about the person."""
        found = self._fetch_user_info(access_token)
        return found if isinstance(found, dict) else {}

    def _session(self) -> requests.Session:
        session: requests.Session = get_adapter().get_requests_session()
        return session


def _part(config: dict[str, Any], name: str) -> str:
    if not isinstance(config.get(name), str):
        raise SignOnFailed(f"the provider's own description has no {name}")
    return str(config[name])


def _https_or_same(address: str) -> str:
    """An address to send the visitor to: of the web, and not in the clear where the issuer's is not."""
    if not address.startswith("https://") and not (
        address.startswith("http://") and settings.OIDC_ISSUER.startswith("http://")
    ):
        raise SignOnFailed("the provider's authorization_endpoint is no address that begins with https://")
    return address


class GuardedWayOut(DefaultSocialAccountAdapter):
    """What django-allauth sends, it sends by the one guarded way out: no redirects, bounded in time and size."""

    def get_requests_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        for scheme in ("http://", "https://"):
            session.mount(scheme, _ByFetch())
        return session


class _ByFetch(BaseAdapter):
    """Carries a request of the requests library by program.fetch."""

    def send(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() in ("accept", "authorization", "content-type")
        }
        body = request.body.encode() if isinstance(request.body, str) else request.body
        try:
            fetched = fetch(str(request.url), method=str(request.method), headers=headers, body=body, most=MOST_BYTES)
        except FetchFailed as fault:
            said = f" It said {fault.body[:200]!a}." if fault.body else ""
            raise requests.ConnectionError(fault.reason + said) from fault
        answer = requests.Response()
        answer.status_code = fetched.status
        answer.headers.update(fetched.headers)
        answer.headers.setdefault("content-type", "")
        answer._content = fetched.body
        answer.url = str(request.url)
        answer.request = request
        return answer

    def close(self) -> None:
        """Nothing is kept open."""
