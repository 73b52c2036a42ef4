"""Pulling: on schedule, sooner after a failure and later after each, once however many workers, host by host."""

from __future__ import annotations

from datetime import timedelta

import pytest

from program.models import Feed
from teams import pulling
from teams.models import Hold, Run, Snapshot
from teams.pulling import due_hosts, keep_credential, pull, pull_host, wait
from tests.feeds.loopback import answering
from tests.people import HEADER, NOW, settle

pytestmark = pytest.mark.django_db
ROWS = f"{HEADER}findings,api,a.py,2026-03-15,3,\n".encode()


@pytest.fixture
def feed(settings) -> Feed:
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    world = settle()
    made = Feed.objects.create(
        key="figures", name="Figures", program=world.program, kind="csv-url", every_minutes=60, next_due_at=NOW
    )
    made.metrics.set([world.findings])
    return made


@pytest.mark.parametrize(("failures", "minutes"), [(0, 1440), (1, 1), (2, 5), (3, 15), (4, 60), (5, 240), (9, 240)])
def test_a_failing_feed_is_tried_sooner_and_then_less_and_less_often(failures, minutes):
    for _ in range(50):
        found = wait(1440, failures).total_seconds() / 60
        assert 0.9 * minutes <= found <= 1.1 * minutes
    assert len({wait(1440, failures) for _ in range(20)}) > 10


def test_never_later_than_its_own_schedule_nor_sooner_than_it_was_told():
    assert wait(60, 5) <= timedelta(minutes=66)
    assert wait(1440, 3, permanent=True) >= timedelta(minutes=0.9 * 1440)
    assert wait(60, 1, retry_after=7200) >= timedelta(minutes=0.9 * 120)


def test_what_is_due_is_fetched_once_and_is_due_again_in_an_hour(feed):
    asked = []

    def answer(path: str, _headers: dict[str, str]) -> tuple[int, str, bytes]:
        asked.append(path)
        return 200, "text/csv", ROWS

    with answering(answer) as address:
        feed.settings = {"url": f"{address}/figures.csv?token=hidden"}
        feed.save()
        host = pulling.host_of(feed)
        assert due_hosts(NOW - timedelta(minutes=1)) == []
        assert due_hosts(NOW) == [host]
        assert pull_host("elsewhere:1", NOW) == 0
        assert pull_host(host, NOW) == 1
        assert pull_host(host, NOW) == 0
    feed.refresh_from_db()
    assert asked == ["/figures.csv?token=hidden"]
    assert timedelta(minutes=54) <= feed.next_due_at - NOW <= timedelta(minutes=66)
    run = Run.objects.get()
    assert (run.kind, run.state, run.new) == ("pull", "stored", 1)
    assert run.came_from == f"{address}/figures.csv"
    assert "hidden" not in run.came_from


def test_a_failing_feed_keeps_its_values_and_goes_on_by_itself(feed):
    answers = [(200, ROWS), (503, b""), (200, b"nonsense"), (200, ROWS)]
    with answering(lambda _path, _headers: (answers[0][0], "text/csv", answers[0][1])) as address:
        feed.settings = {"url": address}
        feed.save()
        assert pull(feed, NOW) is not None
        held = list(Snapshot.objects.values())
        answers.pop(0)
        assert pull(feed, NOW) is None
        feed.refresh_from_db()
        assert feed.failures == 1
        assert feed.last_error == "127.0.0.1 answered 503; 200 was expected."
        assert feed.next_due_at - NOW <= timedelta(seconds=66)
        answers.pop(0)
        assert pull(feed, NOW) is None
        feed.refresh_from_db()
        assert (feed.failures, feed.failing_since) == (2, NOW)
        assert feed.next_due_at - NOW >= timedelta(minutes=54)
        assert list(Snapshot.objects.values()) == held
        assert Hold.objects.filter(until=None).count() == 1
        answers.pop(0)
        assert pull(feed, NOW + timedelta(hours=1)) is not None
    feed.refresh_from_db()
    assert (feed.failures, feed.failing_since, feed.last_error) == (0, None, "")
    assert Hold.objects.filter(until=None).count() == 0
    assert list(Run.objects.order_by("pk").values_list("state", flat=True)) == ["stored", "failed", "refused", "stored"]


def test_a_paused_feed_and_one_that_is_sent_are_never_due(feed):
    feed.settings = {"url": "http://127.0.0.1:1/x"}
    feed.paused = True
    feed.save()
    assert due_hosts(NOW) == []
    Feed.objects.update(paused=False, kind="csv")
    assert due_hosts(NOW) == []


def test_a_credential_goes_to_its_host_only(feed):
    met = []

    def answer(_path: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
        met.append(headers.get("authorization"))
        return 200, "text/csv", ROWS

    with answering(answer) as one, answering(answer) as other:
        feed.settings = {"url": one}
        keep_credential(feed, {"header": "Authorization", "value": "Bearer s3cret"})
        feed.save()
        assert pull(feed, NOW) is not None
        feed.settings = {"url": other}
        assert pull(feed, NOW) is not None
    assert met == ["Bearer s3cret", None]


def test_a_private_address_is_not_fetched(feed, settings):
    settings.OUTBOUND_ALLOW_NETWORKS = []
    feed.settings = {"url": "http://127.0.0.1:9/x"}
    feed.save()
    assert pull(feed, NOW) is None
    feed.refresh_from_db()
    assert "127.0.0.1" in feed.last_error
    assert feed.next_due_at - NOW >= timedelta(minutes=54)
