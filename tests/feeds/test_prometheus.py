"""A feed of kind prometheus against a real Prometheus server, which scrapes a target of the test every second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from program.fetch import fetch
from program.models import Feed
from teams.apply.files import apply_text
from teams.models import Hold, Run, Snapshot
from teams.pulling import pull, try_pull
from tests.conftest import eventually
from tests.people import NOW, TYPING, settle
from tests.services import prometheus

from .loopback import answering

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("prometheus")]

TARGET = b"""# TYPE requests_total counter
requests_total{team="api",service="orders",code="200"} 940
requests_total{team="api",service="orders",code="500"} 60
requests_total{team="api",service="search",code="200"} 400
requests_total{team="web",service="cart",code="200"} 480
requests_total{team="web",service="cart",code="500"} 20
# TYPE queue_length gauge
queue_length{team="api",service="orders"} 12.5
queue_length{team="api",service="search"} NaN
queue_length{team="web",service="cart"} 3
"""

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: target
    static_configs: [{{targets: ["{target}"]}}]
"""

FEED = """
metrics:
  - {{key: failing, name: Requests that fail, unit: "%", direction: down, aggregation: ratio, fresh_for: 7d}}
  - {{key: queued, name: Waiting, unit: jobs, direction: down, aggregation: sum, fresh_for: 7d}}
feeds:
  - key: production
    name: Production
    kind: prometheus
    every: 1h
    scope: [api, web]
    settings:
      url: {url}
      item: service
      team: team
      queries:
        failing: ['{above}', '{below}']
        queued: '{queued}'
    measures: {{failing: failing, queued: queued}}
"""
ABOVE = 'sum by (team, service) (requests_total{code="500"})'
BELOW = "sum by (team, service) (requests_total)"
QUEUED = "queue_length"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A Prometheus that has scraped the target. Without one the tests are errors that say why, never passes."""
    with (
        answering(lambda _path, _headers: (200, "text/plain; version=0.0.4", TARGET)) as target,
        prometheus(CONFIG.format(target=target.removeprefix("http://"))) as url,
    ):
        yield url


@pytest.fixture(autouse=True)
def _world(settings, time_machine):
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    time_machine.move_to(NOW, tick=False)
    settle()


def applied(url: str, **queries: str) -> None:
    text = FEED.format(url=url, **{"above": ABOVE, "below": BELOW, "queued": QUEUED} | queries)
    apply_text(TYPING.partition("metrics:")[0] + text, now=NOW, via="test")


def connect(url: str, above: str = ABOVE, below: str = BELOW, queued: str = QUEUED) -> Feed:
    """The feed, once the target was scraped whole."""
    applied(url, above=above, below=below, queued=queued)
    scraped = f"{url}/api/v1/query?query=count(requests_total)%2Bcount(queue_length)"
    assert eventually(lambda: b'"8"' in fetch(scraped).body), fetch(scraped).body
    return Feed.objects.get(key="production")


def items(metric: str) -> dict[str, object]:
    rows = Snapshot.objects.filter(source__metric_version__metric__key=metric, as_of=date(2026, 3, 16))
    return dict(rows.values_list("source__team__key", "items"))


def test_what_prometheus_knows_arrives_exactly(server):
    received = pull(connect(server), NOW)
    assert received is not None, Run.objects.get().faults
    assert items("failing") == {"api": {"orders": [60, 1000]}, "web": {"cart": [20, 500]}}
    assert items("queued") == {"api": {"orders": 12.5}, "web": {"cart": 3}}
    assert (received.run.state, received.run.came_from) == ("stored", f"{server}")
    assert received.run.notes == ["queued of 'search' is no number: left out"]


def test_a_first_value_without_a_second_is_left_out_with_a_note(server):
    feed = connect(server, above=BELOW, below=ABOVE)
    received = pull(feed, NOW)
    assert items("failing") == {"api": {"orders": [1000, 60]}, "web": {"cart": [500, 20]}}
    assert "failing: 'search' has no second value: left out" in received.run.notes


def test_a_query_that_is_not_a_number_anywhere_says_nothing_and_nobody_has_a_zero(server):
    received = pull(connect(server, queued="queue_length * 0 / 0"), NOW)
    assert items("queued") == {}
    assert len(received.run.notes) == 3


def test_a_query_that_prometheus_refuses_is_told_and_stores_nothing(server):
    feed = connect(server)
    assert pull(feed, NOW) is not None
    before = list(Snapshot.objects.order_by("pk").values())
    applied(server, queued="sum by (queue_length")
    feed.refresh_from_db()
    assert pull(feed, NOW) is None
    feed.refresh_from_db()
    run = Run.objects.latest("pk")
    assert (run.state, run.snapshots) == (Run.State.FAILED, 0)
    assert feed.last_error == (
        "127.0.0.1 answered 400; 200 was expected. queued: "
        'invalid parameter "query": 1:21: parse error: unclosed left parenthesis'
    )
    assert Hold.objects.filter(feed=feed, until=None).count() == 2
    assert list(Snapshot.objects.order_by("pk").values()) == before


def test_an_answer_that_is_no_vector_is_told(server):
    feed = connect(server, queued="queue_length[1m]")
    assert pull(feed, NOW) is None
    feed.refresh_from_db()
    assert "query queued: an instant vector was expected, not 'matrix'" in feed.last_error


def test_a_trial_tells_what_a_pull_would_store(server):
    feed = connect(server)
    trial = try_pull(feed, NOW)
    assert {(line.metric, line.team): (line.numerator, line.denominator) for line in trial.lines} == {
        ("failing", "api"): (60.0, 1000.0), ("failing", "web"): (20.0, 500.0),
        ("queued", "api"): (12.5, None), ("queued", "web"): (3.0, None),
    }  # fmt: skip
    assert (Run.objects.count(), Snapshot.objects.count()) == (0, 0)


def test_a_server_that_is_gone_is_told(server):
    feed = connect(server)
    with prometheus(CONFIG.format(target="127.0.0.1:9")) as other:
        pass
    feed.settings |= {"url": other}
    assert pull(feed, NOW) is None
    assert "took no connection" in feed.last_error
