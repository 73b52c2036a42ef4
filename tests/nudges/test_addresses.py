"""Addresses that the mail server refused: their program's owners are told once, see them, and let mail go again."""

from datetime import timedelta

import pytest
import time_machine

from accounts import profile
from accounts.models import AuditRow, User
from nudges import addresses, delivery, trouble
from nudges.models import Delivery, RefusedTold
from program.models import Program
from tests.nudges.conftest import MONDAY
from tests.web.test_pages import sign_in, words

LATER = MONDAY + timedelta(hours=1)
NO = "550 5.1.1 no such user"


@pytest.fixture
def refused(play, mail_server):
    """Alice's first digest was refused for good."""
    mail_server.on_stage = lambda at, mail: NO if at == "rcpt" and mail.receivers[-1] == "alice@example.com" else None
    play.announced()
    assert User.objects.get(email="alice@example.com").address_suspended_reason != ""
    return play


def tell(now):
    planned = trouble.plan(now)
    while delivery.deliver_batch(now).more:
        pass
    return planned


def test_who_is_missed_and_why(refused, django_assert_num_queries):
    program = refused.world.program
    with django_assert_num_queries(4):
        (one,) = addresses.refused([program])
    assert (one.person, one.leads, one.role, one.since) == (refused.world.alice, ("Api",), "", MONDAY)
    assert one.what.startswith("Alice’s address is refused: 550")
    assert one.means == "Alice leads Api; digests go to whoever leads above, or to nobody."
    User.objects.filter(email__in=["sam@example.com", "tess@example.com"]).update(address_suspended_reason="551 gone")
    found = addresses.refused([Program.objects.get(key="typing")])
    assert [(str(one.person), one.role) for one in found] == [
        ("Alice", ""), ("sam@example.com", "sponsors"), ("tess@example.com", "runs"),
    ]  # fmt: skip
    assert found[1].means == "sam@example.com sponsors Every function typed: no invitation, brief or digest arrives."
    User.objects.update(is_active=False)
    with django_assert_num_queries(1):
        assert addresses.refused([program]) == []


def test_owners_are_told_once_and_again_when_it_is_refused_again(refused, mail_server):
    assert tell(LATER) == 2
    assert tell(LATER + timedelta(days=1)) == 0
    row = Delivery.objects.get(kind="trouble", address="tess@example.com")
    assert row.subject.startswith("Alice’s address is refused: 550")
    assert "No mail goes to an address that is refused until it works again." in " ".join(row.text.split())
    assert "Nobody is nudged" not in row.text
    assert "https://quality.example.com/programs/typing/nudges/#addresses" in row.text
    assert "You get this because you run Every function typed." in row.text
    assert RefusedTold.objects.count() == 2
    alice = refused.world.alice
    assert profile.resume_mail(alice, LATER + timedelta(days=1))
    refused.run(MONDAY + timedelta(weeks=1))
    assert User.objects.get(pk=alice.pk).address_suspended_reason != ""
    assert tell(MONDAY + timedelta(weeks=1, hours=1)) == 2
    assert RefusedTold.objects.count() == 4


def test_what_was_settled_before_the_mail_goes_is_not_told(refused):
    trouble.plan(LATER)
    User.objects.update(address_suspended_reason="")
    delivery.deliver_batch(LATER)
    assert set(Delivery.objects.filter(kind="trouble").values_list("state", "reason")) == {
        ("suppressed", "it was settled before it was told")
    }
    assert not RefusedTold.objects.exists()


def test_an_owner_sees_it_and_lets_mail_go_again(client, refused):
    alice, address = refused.world.alice, f"/programs/typing/nudges/addresses/{refused.world.alice.pk}"
    with time_machine.travel(LATER, tick=False):
        said = words(sign_in(client, "tess").get("/programs/typing/nudges/"))
        assert "Cannot be reached Alice’s address is refused: 550" in said
        assert "Alice leads Api; digests go to whoever leads above, or to nobody. It works again" in said
        assert "Alice’s address is refused: 550" in words(client.get("/inbox/"))
        said = words(sign_in(client, "alice").get("/inbox/"))
        assert "Your mail server refused your address: 550" in said
        assert "not mailed: the mail server refused it" in said
        assert client.post(address).status_code == 404
        sign_in(client, "tess")
        assert client.get(address).status_code == 405
        for other in (refused.world.bob.pk, 10**30):
            assert client.post(f"/programs/typing/nudges/addresses/{other}").status_code == 404
        answer = client.post(address, follow=True)
        assert "Mail goes to Alice’s address again." in words(answer)
        assert "Cannot be reached" not in words(answer)
        assert client.post(address).status_code == 404
    row = AuditRow.objects.filter(kind="person", key="alice@example.com").latest("pk")
    assert (row.actor, row.after) == (refused.world.tess, "address in use again")
    alice.refresh_from_db()
    assert alice.address_suspended_reason == ""


def test_an_administrator_does_it_on_the_persons_page(client, refused):
    User.objects.filter(email="charlie@example.com").update(is_superuser=True)
    page = f"/people/{refused.world.alice.pk}/"
    assert "It works again" in words(sign_in(client, "charlie").get(page))
    client.post(f"{page}address")
    assert "It works again" not in words(client.get(page))
