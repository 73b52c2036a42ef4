"""Throttles: so many within a time, counted for each one apart, one too many not counted, in any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from accounts import throttle
from accounts.models import Attempt
from accounts.throttle import Limit
from tests.people import NOW

pytestmark = pytest.mark.django_db
LIMIT = Limit("tests", 3, timedelta(minutes=15))
OTHER = Limit("others", 5, timedelta(minutes=15))


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_so_many_fit_and_then_the_wait_is_until_the_oldest_is_old_enough():
    waits = [throttle.take((LIMIT, "ann"), now=NOW + minutes(n)).wait for n in range(5)]
    assert waits == [None, None, None, minutes(12), minutes(11)]
    assert throttle.take((LIMIT, "ann"), now=NOW + minutes(15)).wait is None
    assert throttle.take((LIMIT, "ann"), now=NOW + minutes(15.5)).wait == minutes(0.5)


def test_one_too_many_is_not_counted_so_that_waiting_ends():
    for n in range(20):
        throttle.take((LIMIT, "ann"), now=NOW + minutes(n / 2))
    assert Attempt.objects.count() == 3
    assert throttle.take((LIMIT, "ann"), now=NOW + minutes(15)).wait is None


def test_each_is_counted_apart_and_the_longest_wait_counts():
    for n in range(3):
        throttle.take((LIMIT, "ann"), (OTHER, "here"), now=NOW + minutes(n))
    assert throttle.take((LIMIT, "bob"), (OTHER, "here"), now=NOW + minutes(3)).wait is None
    assert throttle.take((LIMIT, "ann"), now=NOW + minutes(3)).wait == minutes(12)
    throttle.take((LIMIT, "cid"), (OTHER, "here"), now=NOW + minutes(4))
    assert throttle.take((LIMIT, "dan"), (OTHER, "here"), now=NOW + minutes(5)).wait == minutes(10)
    assert throttle.take((LIMIT, "ann"), (OTHER, "here"), now=NOW + minutes(5)).wait == minutes(10)
    assert throttle.take((LIMIT, "dan"), (OTHER, "there"), now=NOW + minutes(5)).wait is None


def test_what_was_no_failure_is_given_back_and_one_begins_anew():
    for _ in range(10):
        throttle.take((LIMIT, "ann"), now=NOW).give_back()
    for _ in range(3):
        assert throttle.take((LIMIT, "ann"), now=NOW).wait is None
    assert throttle.take((LIMIT, "ann"), now=NOW).wait == minutes(15)
    throttle.forget(LIMIT, "ann")
    assert throttle.take((LIMIT, "ann"), now=NOW).wait is None


def test_nobody_can_read_whose_tries_they_are():
    throttle.take((LIMIT, "ann@example.com"), now=NOW)
    assert "ann" not in str(list(Attempt.objects.values()))


def test_what_counts_for_nothing_is_let_go():
    throttle.take((LIMIT, "ann"), now=NOW - throttle.KEEP - minutes(1))
    throttle.take((LIMIT, "ann"), now=NOW - throttle.KEEP + minutes(1))
    assert throttle.tidy(NOW) == 1
    assert Attempt.objects.count() == 1
    assert throttle.tidy(NOW) == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_more_get_through():
    def one(_n: int) -> bool:
        try:
            return throttle.take((LIMIT, "ann"), now=NOW).wait is None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        through = sum(pool.map(one, range(40)))
    assert through <= 3
    assert Attempt.objects.count() == through
