"""The page of access tokens: what may be granted, a secret shown once, who sees and revokes which, states in words."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import AccessToken, AuditRow, User
from accounts.tokens import issue, recognize, state_of
from program.models import Program
from teams.apply.files import apply_text
from tests.people import HEADER, NOW, TYPING, settle
from tests.web.test_pages import sign_in, words

pytestmark = pytest.mark.django_db
FEEDS = "feeds:\n  - {key: ci, name: Reports of the build, kind: csv, metrics: [findings]}\n"


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        yield settle(TYPING + FEEDS)


def make(client: Client, *scopes: str, label: str = "nightly", days: str = "365") -> object:
    return client.post("/tokens/", {"label": label, "scope": list(scopes), "days": days})


def secret_of(page) -> str:
    (found,) = re.findall(r"<pre>(tqp_[^<]+)</pre>", page.content.decode())
    return found


def offered(client: Client) -> list[str]:
    return re.findall(r'name="scope" value="([^"]+)"', client.get("/tokens/").content.decode())


def test_everybody_is_offered_what_they_may_grant(client, world):
    assert offered(sign_in(client, "charlie")) == ["scorecards:read"]
    client.logout()
    mine = ["scorecards:read", "observations:program:typing", "observations:feed:ci"]
    assert offered(sign_in(client, "tess")) == mine


def test_a_token_is_shown_once_and_works(client, world):
    page = make(sign_in(client, "tess"), "observations:feed:ci", "scorecards:read")
    secret = secret_of(page)
    assert secret not in client.get("/tokens/").content.decode()
    token = AccessToken.objects.get()
    assert (token.scopes, token.created_by, token.expires_at) == (
        ["observations:feed:ci", "scorecards:read"], world.tess, NOW + timedelta(days=365),
    )  # fmt: skip
    bearer = {"Authorization": f"Bearer {secret}"}
    row = HEADER + "findings,api,x,2026-03-01,4,\n"
    stranger = Client(headers=bearer)
    assert stranger.post("/api/v1/feeds/ci/runs", row, content_type="text/csv").status_code == 201
    assert stranger.get("/api/v1/teams/api/scorecard").status_code == 200
    assert "16 Mar 2026 09:30" in words(client.get("/tokens/"))  # used last
    assert client.post(f"/tokens/{token.pk}/revoke").status_code == 302
    assert stranger.get("/api/v1/teams/api/scorecard").status_code == 401
    said = list(AuditRow.objects.filter(kind="token").order_by("pk").values_list("key", "actor", "via", "after"))
    granted = {"label": "nightly", "scopes": token.scopes, "expires": "2027-03-16"}
    assert said == [
        (token.prefix, world.tess.pk, "page", granted), (token.prefix, world.tess.pk, "page", {"revoked": True}),
    ]  # fmt: skip
    assert secret not in str(list(AuditRow.objects.values()))


@pytest.mark.parametrize(
    ("scopes", "more"),
    [
        (["observations:program:other"], {}), (["observations:feed:nowhere"], {}), (["everything"], {}), ([], {}),
        (["scorecards:read", "observations:program:other"], {}), (["scorecards:read"], {"days": "100000"}),
        (["scorecards:read"], {"days": ""}), (["scorecards:read"], {"label": " "}),
        (["scorecards:read"], {"label": "x" * 201}), (["scorecards:read"], {"label": "a\0b"}),
        (["scorecards:read", "a\0b"], {}), (["x" * 100_000], {}),
    ],
)  # fmt: skip
def test_what_may_not_be_granted_is_refused_and_what_was_typed_stays(client, world, scopes, more):
    page = make(sign_in(client, "tess"), *scopes, **more)
    assert (page.status_code, "was expected" in words(page), AccessToken.objects.count()) == (400, True, 0)
    if not more:
        assert 'value="nightly"' in page.content.decode()


def test_owners_see_the_tokens_of_their_programs_and_administrators_all(client, world):
    later = NOW + timedelta(days=1)
    issue("of the program", ["observations:program:typing"], created_by=world.pam, expires_at=later)
    issue("of the feed", ["observations:feed:ci"], expires_at=later)
    issue("of another", ["observations:program:other"], created_by=world.alice)
    issue("reads", ["scorecards:read"], created_by=world.alice)
    User.objects.create_superuser("root@example.com", "correct horse battery")

    def labels(name: str) -> list[str]:
        text = sign_in(Client(), name).get("/tokens/").content.decode()
        return sorted(re.findall(r"<tr><td>([^<]+)<br>", text))

    assert labels("tess") == ["of the feed", "of the program"]
    assert labels("alice") == ["of another", "reads"]
    assert labels("charlie") == []
    assert labels("root") == ["of another", "of the feed", "of the program", "reads"]
    token = AccessToken.objects.get(label="of another")
    assert sign_in(client, "tess").post(f"/tokens/{token.pk}/revoke").status_code == 404
    assert AccessToken.objects.get(pk=token.pk).revoked_at is None


def test_states_in_words(client, world):
    token, secret = issue("x", ["scorecards:read"], created_by=world.alice, expires_at=NOW + timedelta(days=1))
    assert (state_of(token, NOW), recognize(secret, NOW)) == ("works", token)
    assert "1 token works." in words(sign_in(client, "alice").get("/tokens/"))
    after = NOW + timedelta(days=1)
    assert (state_of(token, after), recognize(secret, after)) == ("expired", None)
    world.alice.is_active = False
    world.alice.save()
    token.refresh_from_db()
    assert (state_of(token, NOW), recognize(secret, NOW)) == ("stopped: its maker was deactivated", None)
    AccessToken.objects.update(revoked_at=NOW)
    token.refresh_from_db()
    assert state_of(token, NOW) == "revoked"


def test_a_token_reads_what_its_maker_may_see(world):
    """A program that is shown to one group stays there, whoever made the token and whatever its scope says."""
    Program.objects.update(audience="engineering")
    other = TYPING.replace("key: typing", "key: open").replace("name: Every", "name: Every open")
    other = (
        other[: other.index("metrics:")]
        + "goals:\n  - {metric: findings, teams: [api], start: 2026-01-01, due: 2026-12-31, target: 0}\n"
    )
    apply_text(other, now=NOW, via="test")

    def programs(by: User | None) -> list[str]:
        _, secret = issue("x", ["scorecards:read"], created_by=by)
        answers = [
            Client(headers={"Authorization": f"Bearer {secret}"}).get(f"/api/v1/teams/api/scorecard{query}").json()
            for query in ("", "?on=2026-03-01", "?as_judged=1")
        ]
        return sorted({goal["program"] for answer in answers for goal in answer["goals"]})

    assert programs(world.alice) == ["open", "typing"]
    assert programs(world.charlie) == ["open"]
    assert programs(None) == ["open"]  # made at the command line


def test_queries_are_constant(client, world, django_assert_max_num_queries):
    for n in range(30):
        issue(f"t{n}", ["observations:program:typing"], created_by=world.pam)
    sign_in(client, "tess")
    with django_assert_max_num_queries(9):
        assert "30 tokens work." in words(client.get("/tokens/"))
