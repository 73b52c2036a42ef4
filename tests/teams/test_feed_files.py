"""Feeds as code: what is accepted, and what is refused before anything is fetched."""

from __future__ import annotations

import pytest

from program.models import Feed
from teams.apply.files import apply_text
from teams.apply.marked_yaml import Unreadable
from tests.people import NOW, TYPING, settle

pytestmark = pytest.mark.django_db


def refused(feed: str) -> list[str]:
    with pytest.raises(Unreadable) as found:
        apply_text(f"{TYPING}\nfeeds:\n  - {feed}\n", now=NOW, via="test")
    assert Feed.objects.count() == 0
    return [fault.what for fault in found.value.faults]


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        ("{key: a, name: A, kind: lcov, measures: {line-coverage: typed-functions}, settings: {strip: /a/}}",
         "strip is a list of texts, not '/a/'"),
        ("{key: a, name: A, kind: lcov, measures: {line-coverage: typed-functions}, settings: {strip: [5]}}",
         "strip is a list of texts, not [5]"),
        ("{key: a, name: A, kind: lcov, measures: {line-coverge: typed-functions}}",
         "'line-coverge' is nothing that LCOV measures"),
        ("{key: a, name: A, measures: {line-coverge: typed-functions}}", "'line-coverge' is nothing that a report measures"),
        ("{key: a, name: A, kind: lcov, measures: {line-coverage: findings}}", "line-coverage is a ratio; findings is a sum"),
        ("{key: a, name: A, kind: junit, measures: {failed-tests: typed-functions}}",
         "failed-tests is no ratio; typed-functions is a ratio"),
        ("{key: a, name: A, kind: lcov, measures: {line-coverage: nothing}}",
         "nothing is no metric of this file or of another program"),
        ("{key: a, name: A, metrics: [findings], scope: [nobody]}", "nobody is no team; apply its Group first"),
        ("{key: a, name: A, kind: sql, every: 1d, metrics: [findings], settings: {url: 'postgresql://u:pw@h/d', query: select 1}}",
         "url is postgresql://user@host:5432/database, without the password"),
        ("{key: a, name: A, kind: sql, every: 1d, metrics: [findings], settings: {url: 'postgresql://u@h/d', query: delete from x}}",
         "query is one SELECT (or WITH … SELECT), without a semicolon"),
        ("{key: a, name: A, kind: json-paths, every: 1h, measures: {value: findings}, settings: {url: 'https://h/x', headers: {Authorization: x}}}",
         "the header Authorization is a credential: it is given on the feed's page, never in a file"),
        ("{key: a, name: A, kind: json-paths, every: 1h, measures: {value: findings}, settings: {url: 'https://h/x', rows: '[['}}",
         "rows is a JMESPath: "),
        ("{key: a, name: A, kind: prometheus, every: 1h, measures: {up: findings}, settings: {url: 'https://h', queries: {down: x}}}",
         "'up' is nothing that Prometheus query API measures"),
        ("{key: a, name: A, kind: prometheus, every: 1m, measures: {up: findings}, settings: {url: 'https://h', queries: {up: x}}}",
         "every is at least 5 minutes, such as 1h, not '1m'"),
        ("{key: a, name: A, every: 1h, metrics: [findings]}", "every is for a feed that is fetched"),
        ("{key: a, name: A}", "metrics (of observations) or measures (of reports) were expected"),
        ("{key: a, name: A, kind: lcov, measures: {line-coverage: typed-functions}, settings: {root: x}}",
         "settings of lcov are strip, prefix; 'root' is not known"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_before_it_is_fetched(feed: str, expected: str):
    settle()
    assert any(what.startswith(expected) for what in refused(feed)), refused(feed)


def test_a_feed_is_put_in_place_once():
    settle()
    text = (
        TYPING
        + "\nfeeds:\n  - {key: a, name: A, kind: lcov, source: acme/app, measures: {line-coverage: typed-functions}}\n"
    )
    made = apply_text(text, now=NOW, via="test")
    assert [str(change).split(":")[0] for change in made] == ["+ feed a", "~ feed metrics a"]
    assert apply_text(text, now=NOW, via="test") == []
    feed = Feed.objects.get()
    assert (feed.kind, feed.source, feed.measures) == ("lcov", "acme/app", {"line-coverage": "typed-functions"})
    assert list(feed.metrics.values_list("key", flat=True)) == ["typed-functions"]
