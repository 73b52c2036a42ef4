"""Single sign-on against a real provider on loopback: who gets in, and every answer that lets nobody in."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
from django.test import Client

from accounts import roles, second_factor
from accounts.models import AuditRow, User
from tests.accounts.test_second_factor import set_up
from tests.people import NOW, settle
from tests.web.provider import CLIENT, KEY, OTHER_KEY, SECRET, Provider, provider, public
from web import single_sign_on

pytestmark = pytest.mark.django_db
NOT_FINISHED = "Signing in with Acme did not finish."


@pytest.fixture
def world(db):
    return settle()


@pytest.fixture
def sso(settings) -> Iterator[Provider]:
    with provider() as held:
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = held.issuer, CLIENT, SECRET
        settings.OIDC_NAME, settings.OIDC_EMAIL_DOMAINS, settings.OIDC_CREATE_MEMBERS = "Acme", [], False
        settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
        settings.SITE_URL = "http://testserver"
        yield held


def begin(client: Client, wanted: str = "") -> dict[str, str]:
    """Press the button; gives the query that the browser would take to the provider."""
    answer = client.post("/sign-in/sso/", {"next": wanted})
    assert answer.status_code == 200, answer.content.decode()
    (found,) = [line for line in answer.content.decode().splitlines() if "http-equiv" in line]
    address = found.partition("0;url=")[2].partition('"')[0].replace("&amp;", "&")
    return dict(parse_qsl(urlsplit(address).query))


def back(client: Client, held: Provider, query: dict[str, str], **changes: str):
    """Come back from the provider, with what it would send along."""
    sent = {"code": held.code_for(query), "state": query["state"]} | changes
    return client.get(f"/sign-in/sso/callback?{urlencode({k: v for k, v in sent.items() if v})}")


def who(client: Client) -> str | None:
    """Who is signed in."""
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).email if pk else None


def test_it_leads_to_the_provider_with_what_only_this_session_knows(client, world, sso):
    query = begin(client)
    assert (query["client_id"], query["response_type"]) == (CLIENT, "code")
    assert query["redirect_uri"] == "http://testserver/sign-in/sso/callback"
    assert set(query["scope"].split()) == {"openid", "profile", "email"}
    assert query["code_challenge_method"] == "S256"
    assert min(len(query[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert begin(client)["state"] != query["state"]


def test_a_known_person_is_found_by_e_mail_and_goes_where_they_wanted(client, world, sso):
    before = client.get("/sign-in/").content.decode()
    assert "Sign in with Acme" in before
    sso.email = "Alice@Example.com"
    query = begin(client, "/teams/api/")
    key = client.session.session_key
    answer = back(client, sso, query)
    assert (answer.status_code, answer["Location"]) == (302, "/teams/api/")
    assert who(client) == "alice@example.com"
    assert client.session.session_key != key
    world.alice.refresh_from_db()
    assert world.alice.name == "Alice"
    assert "/userinfo" not in sso.asked


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_it_leads_on_to_no_other_site(client, world, sso, wanted):
    assert back(client, sso, begin(client, wanted))["Location"] == "/"


def test_the_e_mail_may_stand_in_the_answer_about_the_person(client, world, sso):
    sso.change_token = lambda claims: {k: v for k, v in claims.items() if not k.startswith("email")}
    assert back(client, sso, begin(client))["Location"] == "/"
    assert who(client) == "alice@example.com"
    assert "/userinfo" in sso.asked


def test_that_answer_has_to_be_about_the_same_person(client, world, sso):
    sso.change_token = lambda claims: {k: v for k, v in claims.items() if not k.startswith("email")}
    sso.change_about = lambda claims: claims | {"sub": "somebody-else"}
    answer = back(client, sso, begin(client))
    assert (answer.status_code, who(client)) == (400, None)
    assert NOT_FINISHED in answer.content.decode()


@pytest.mark.parametrize("said", [False, "false", None, 0, 1, "yes", [True], "missing"])
def test_an_e_mail_that_is_not_verified_lets_nobody_in(client, world, sso, said):
    sso.person["email_verified"] = said
    if said == "missing":
        del sso.person["email_verified"]
    answer = back(client, sso, begin(client))
    assert (answer.status_code, who(client)) == (400, None)
    assert "Acme does not say that alice@example.com is verified as yours" in answer.content.decode()


@pytest.mark.parametrize(("said", "gets_in"), [("missing", True), (True, True), (False, False), ("false", False)])
def test_where_the_setting_vouches_only_silence_counts_as_verified(client, world, sso, settings, said, gets_in):
    settings.OIDC_EMAILS_ARE_VERIFIED = True
    sso.person["email_verified"] = said
    if said == "missing":
        del sso.person["email_verified"]
    back(client, sso, begin(client))
    assert (who(client) is not None) is gets_in


def without(name: str):
    return lambda claims: {k: v for k, v in claims.items() if k != name}


def having(**changes: object):
    return lambda claims: claims | changes


TOKENS = {
    "another issuer": having(iss="https://evil.example"),
    "no issuer": without("iss"),
    "another audience": having(aud="another-client"),
    "another audience among several": having(aud=["another-client", "a-third"]),
    "several audiences and no azp": having(aud=[CLIENT, "another-client"]),
    "several audiences and another azp": having(aud=[CLIENT, "another-client"], azp="another-client"),
    "no audience": without("aud"),
    "another nonce": having(nonce="x" * 43),
    "no nonce": without("nonce"),
    "too old": having(exp=int(time.time()) - 120),
    "no expiry": without("exp"),
    "of tomorrow": having(iat=int(time.time()) + 86_400),
    "no subject": without("sub"),
    "a list as e-mail": having(email=["alice@example.com", "b@example.com"]),
    "no e-mail at all": having(email="", email_verified=True),
}


@pytest.mark.parametrize("what", TOKENS)
def test_a_token_with_wrong_claims_lets_nobody_in(client, world, sso, what):
    sso.change_token = TOKENS[what]
    if what == "no e-mail at all":
        sso.change_about = without("email")
    answer = back(client, sso, begin(client))
    assert (answer.status_code, who(client)) == (400, None)
    assert 'role="alert"' in answer.content.decode()


def unsigned(claims: dict) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "kid": "k1", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


SIGNED = {
    "by another key": lambda claims: jwt.encode(claims, OTHER_KEY, "RS256", headers={"kid": "k1"}),
    "by an unknown key": lambda claims: jwt.encode(claims, OTHER_KEY, "RS256", headers={"kid": "k2"}),
    "by no key": unsigned,
    "by the client's secret": lambda claims: jwt.encode(claims, SECRET * 2, "HS256", headers={"kid": "k1"}),
    "no token": lambda claims: "",
    "nothing of the kind": lambda claims: "a.b.c",
}


@pytest.mark.parametrize("how", SIGNED)
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(client, world, sso, how):
    sso.sign = SIGNED[how]
    answer = back(client, sso, begin(client))
    assert (answer.status_code, who(client)) == (400, None)
    assert NOT_FINISHED in answer.content.decode()


def test_a_single_key_needs_no_name_and_keys_may_be_changed(client, world, sso):
    sso.sign = lambda claims: jwt.encode(claims, KEY, "RS256")
    back(client, sso, begin(client))
    assert who(client) == "alice@example.com"
    sso.keys = lambda: [public(KEY, "k1"), public(OTHER_KEY, "k2")]
    sso.sign = lambda claims: jwt.encode(claims, OTHER_KEY, "RS256", headers={"kid": "k2"})
    other = Client()
    back(other, sso, begin(other))
    assert who(other) == "alice@example.com"
    # Which of several keys it was has to be said.
    sso.sign = lambda claims: jwt.encode(claims, KEY, "RS256")
    third = Client()
    assert back(third, sso, begin(third)).status_code == 400


@pytest.mark.parametrize("state", ["", "x" * 43, "another's", "é" * 40, "\0"])
def test_a_state_of_no_sign_in_begun_here_lets_nobody_in(client, world, sso, state):
    other = Client()
    theirs = begin(other)
    query = begin(client)
    answer = back(client, sso, query, state=theirs["state"] if state == "another's" else state)
    assert (answer.status_code, who(client)) == (400, None)
    assert "/token" not in sso.asked


def test_what_the_provider_sent_along_works_once(client, world, sso):
    query = begin(client)
    assert back(client, sso, query).status_code == 302
    sso.email = "bob@example.com"
    assert back(client, sso, query).status_code == 400
    assert who(client) == "alice@example.com"


def test_a_way_begun_too_long_ago_is_none(client, world, sso):
    query = begin(client)
    session = client.session
    (held,) = session["sign-in waits for the provider"].values()
    held["until"] = NOW.isoformat()
    session.save()
    assert back(client, sso, query).status_code == 400


def test_several_tabs_may_be_on_their_way_but_not_any_number(client, world, sso):
    queries = [begin(client) for _ in range(7)]
    assert len(client.session["sign-in waits for the provider"]) == 5
    assert back(client, sso, queries[0]).status_code == 400
    assert back(client, sso, queries[-1]).status_code == 302


def test_a_code_stolen_for_another_session_is_of_no_use(client, world, sso):
    """The verifier of the session that began is asked for: an injected code does not fit."""
    victim, thief = Client(), begin(client)
    theirs = begin(victim)
    answer = client.get(f"/sign-in/sso/callback?{urlencode({'code': sso.code_for(theirs), 'state': thief['state']})}")
    assert (answer.status_code, who(client)) == (400, None)


def test_somebody_deactivated_does_not_get_in(client, world, sso):
    root = User.objects.create_superuser("root@example.com")
    roles.deactivate(world.alice, root, NOW)
    answer = back(client, sso, begin(client))
    assert (answer.status_code, who(client)) == (400, None)
    assert "alice@example.com may not sign in here any more" in answer.content.decode()


def test_an_e_mail_of_another_domain_does_not_get_in(client, world, sso, settings):
    settings.OIDC_EMAIL_DOMAINS, settings.OIDC_CREATE_MEMBERS = ["example.org", "@Example.com"], True
    assert back(client, sso, begin(client)).status_code == 302
    for email in ("alice@evil.example", "alice@example.com.evil.example", "alice@sub.example.com"):
        sso.email = email
        other = Client()
        answer = back(other, sso, begin(other))
        assert (answer.status_code, who(other)) == (400, None)
        assert "is of no domain that may sign in here" in answer.content.decode()


def test_somebody_unknown_is_made_a_member_only_where_the_setting_says_so(client, world, sso, settings):
    sso.email, sso.person["name"] = "new@example.com", "  New\n Person "
    answer = back(client, sso, begin(client))
    assert (answer.status_code, who(client)) == (400, None)
    assert "Nobody here is known as new@example.com" in answer.content.decode()
    assert not User.objects.filter(email="new@example.com").exists()
    settings.OIDC_CREATE_MEMBERS = True
    assert back(client, sso, begin(client)).status_code == 302
    person = User.objects.get(email="new@example.com")
    assert (who(client), person.name, roles.of(person)) == (person.email, "New Person", "member")
    assert not person.has_usable_password()
    row = AuditRow.objects.get(kind="person", key=person.email)
    assert (row.via, row.after) == ("single sign-on", {"name": "New Person", "role": "member"})


@pytest.mark.parametrize(
    "email", ["not-an-address", "a@b\0.example", "x" * 300 + "@example.com", "<script>@example.com"]
)
def test_what_is_no_e_mail_makes_nobody(client, world, sso, settings, email):
    settings.OIDC_CREATE_MEMBERS = True
    sso.email = email
    people = User.objects.count()
    assert back(client, sso, begin(client)).status_code == 400
    assert User.objects.count() == people


def test_the_second_factor_is_asked_for_as_well(client, world, sso):
    _, codes = set_up(world.alice, datetime.now(UTC))
    assert second_factor.is_set(world.alice)
    answer = back(client, sso, begin(client, "/teams/"))
    assert (answer["Location"], who(client)) == ("/sign-in/code/", None)
    assert client.post("/sign-in/code/", {"code": codes[0]})["Location"] == "/teams/"
    assert who(client) == "alice@example.com"


CONFIGS = {
    "another issuer": having(issuer="https://evil.example"),
    "no issuer": without("issuer"),
    "no authorization endpoint": without("authorization_endpoint"),
    "an endpoint that is a script": having(authorization_endpoint="javascript:alert(1)"),
    "a list": lambda config: [config],
    "no JSON": lambda config: b"<html>",
    "too large": lambda config: b'"' + b"x" * 1_100_000 + b'"',
}


@pytest.mark.parametrize("what", CONFIGS)
def test_a_provider_that_describes_itself_otherwise_is_not_gone_to(client, world, sso, what):
    sso.change_config = CONFIGS[what]
    answer = client.post("/sign-in/sso/")
    assert answer.status_code == 400
    assert NOT_FINISHED in answer.content.decode()


def test_the_visitor_is_not_sent_in_the_clear_where_the_issuer_is_not(settings):
    settings.OIDC_ISSUER = "https://id.example"
    with pytest.raises(single_sign_on.SignOnFailed, match="begins with https://"):
        single_sign_on._https_or_same("http://id.example/authorize")
    assert single_sign_on._https_or_same("https://id.example/authorize") == "https://id.example/authorize"


ANSWERS = {
    "no token": without("id_token"),
    "no access token": without("access_token"),
    "a number": lambda answer: 7,
    "a list": lambda answer: [answer],
    "no JSON": lambda answer: b"{",
    "a token that is a number": having(id_token=7),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_that_is_none_lets_nobody_in(client, world, sso, what):
    sso.change_answer = ANSWERS[what]
    answer = back(client, sso, begin(client))
    assert (answer.status_code, who(client)) == (400, None)
    assert NOT_FINISHED in answer.content.decode()


KEYS = {"none": list, "no mapping": lambda: ["x"], "of no kind": lambda: [{"kty": "??", "kid": "k1"}]}


@pytest.mark.parametrize("what", KEYS)
def test_keys_that_are_none_let_nobody_in(client, world, sso, what):
    sso.keys = KEYS[what]
    assert back(client, sso, begin(client)).status_code == 400


def test_a_provider_that_is_down_or_refuses_is_told(client, world, sso, settings):
    query = begin(client)
    answer = client.get(f"/sign-in/sso/callback?{urlencode({'state': query['state'], 'error': 'access_denied'})}")
    assert (answer.status_code, who(client)) == (400, None)
    settings.OIDC_ISSUER = "http://127.0.0.1:1"
    assert client.post("/sign-in/sso/").status_code == 400


def test_only_a_network_that_may_be_reached_is(client, world, sso, settings):
    settings.OUTBOUND_ALLOW_NETWORKS = []
    assert client.post("/sign-in/sso/").status_code == 400
    assert sso.asked == []


def test_without_a_provider_there_is_no_such_way(client, world):
    assert "/sign-in/sso/" not in client.get("/sign-in/").content.decode()
    assert client.post("/sign-in/sso/")["Location"] == "/sign-in/"
    assert client.get("/sign-in/sso/callback?code=x&state=y")["Location"] == "/sign-in/"
    assert client.get("/sign-in/sso/").status_code == 405


def test_nothing_of_it_stands_in_the_log(client, world, sso, caplog):
    sso.change_token = having(aud="another-client")
    back(client, sso, begin(client))
    (said,) = [record.getMessage() for record in caplog.records if record.name == "web.pages.sign_in"]
    assert "Audience doesn't match" in said
    assert SECRET not in said
    assert "eyJ" not in said
