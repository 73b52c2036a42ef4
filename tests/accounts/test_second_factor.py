"""A second factor: codes fit their half minute, work once in whatever process, and recovery codes once each."""

from __future__ import annotations

import base64
import hmac
import struct
from datetime import datetime, timedelta
from hashlib import sha1
from urllib.parse import unquote

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.cache import cache

from accounts import second_factor
from accounts.models import AuditRow, User
from accounts.secrets import unseal
from tests.people import NOW

pytestmark = pytest.mark.django_db


def code_of(secret: str, at: datetime) -> str:
    """The code of RFC 6238 for a moment, worked out here on its own."""
    key = base64.b32decode(secret.replace(" ", ""))
    digest = hmac.new(key, struct.pack(">Q", int(at.timestamp()) // 30), sha1).digest()
    at_byte = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at_byte : at_byte + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann@example.com", "correct horse battery")


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


def set_up(person: User, at: datetime) -> tuple[str, list[str]]:
    sealed = second_factor.new_secret()
    secret = unseal(sealed)
    codes = second_factor.confirm(person, sealed, code_of(secret, at), at)
    assert codes is not None
    return secret, codes


def test_the_code_is_that_of_the_standard():
    # RFC 6238, appendix B, for SHA-1, its last six digits.
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert code_of(secret, datetime.fromtimestamp(59)) == "287082"


def test_it_is_set_with_its_first_code_only(ann, clock):
    sealed = second_factor.new_secret()
    for wrong in (
        "",
        "000000",
        "12345",
        "x" * 1000,
        "٠" * 6,
        "\0",
        code_of(unseal(sealed), NOW + timedelta(minutes=3)),
    ):
        assert second_factor.confirm(ann, sealed, wrong, NOW) is None
    assert not second_factor.is_set(ann)
    secret, codes = set_up(ann, NOW)
    assert second_factor.is_set(ann)
    assert (len(codes), len(set(codes)), {len(code) for code in codes}) == (10, 10, {8})
    assert AuditRow.objects.get().after == "second factor set"
    stored = str(list(Authenticator.objects.values("data")))
    assert secret not in stored
    assert not any(code in stored for code in codes)


def test_each_code_works_once_and_none_before_it(ann, clock):
    secret, _ = set_up(ann, NOW)
    assert not second_factor.check(ann, code_of(secret, NOW), NOW)
    later = NOW + timedelta(seconds=60)
    clock.move_to(later)
    assert second_factor.check(ann, code_of(secret, later), later)
    # Kept in the database: another process with a cache of its own does not take it either.
    cache.clear()
    assert not second_factor.check(ann, code_of(secret, later), later)
    assert not second_factor.check(ann, code_of(secret, later - timedelta(seconds=30)), later)


@pytest.mark.parametrize(("apart", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_clocks_may_differ_by_half_a_minute(ann, clock, apart, fits):
    secret, _ = set_up(ann, NOW)
    later = NOW + timedelta(minutes=10)
    clock.move_to(later)
    code = code_of(secret, later + timedelta(seconds=apart))
    assert second_factor.check(ann, f" {code[:3]} {code[3:]} ", later) is fits


def test_a_recovery_code_works_once(ann, clock):
    _, codes = set_up(ann, NOW)
    assert second_factor.recovery_codes_left(ann) == 10
    assert second_factor.check(ann, codes[3], NOW)
    assert not second_factor.check(ann, codes[3], NOW)
    assert second_factor.recovery_codes_left(ann) == 9
    assert AuditRow.objects.first().after == "recovery code used"
    fresh = second_factor.new_recovery_codes(ann, NOW)
    assert not second_factor.check(ann, codes[4], NOW)
    assert second_factor.check(ann, fresh[0], NOW)


def test_nobody_elses_code_fits(ann, clock):
    secret, codes = set_up(ann, NOW)
    bob = User.objects.create_user("bob@example.com")
    set_up(bob, NOW)
    later = NOW + timedelta(minutes=1)
    clock.move_to(later)
    assert not second_factor.check(bob, code_of(secret, later), later)
    assert not second_factor.check(bob, codes[0], later)
    assert not second_factor.check(User.objects.create_user("c@example.com"), "", later)


def test_it_is_removed_with_its_recovery_codes(ann, clock):
    root = User.objects.create_superuser("root@example.com")
    assert second_factor.remove(ann, root, NOW) is False
    _, codes = set_up(ann, NOW)
    assert second_factor.remove(ann, root, NOW, reason="lost phone") is True
    assert not Authenticator.objects.exists()
    assert not second_factor.check(ann, codes[0], NOW)
    row = AuditRow.objects.first()
    assert (row.key, row.actor, row.after, row.reason) == (ann.email, root, "second factor removed", "lost phone")


def test_when_the_keys_were_changed_no_code_fits_and_nothing_breaks(ann, clock, settings):
    settings.SECRETS_KEYS = ["one"]
    secret, codes = set_up(ann, NOW)
    settings.SECRETS_KEYS = ["two"]
    later = NOW + timedelta(minutes=1)
    clock.move_to(later)
    assert not second_factor.check(ann, code_of(secret, later), later)
    assert not second_factor.check(ann, codes[0], later)
    assert second_factor.recovery_codes_left(ann) == 0
    settings.SECRETS_KEYS = ["two", "one"]
    assert second_factor.check(ann, code_of(secret, later), later)


def test_the_picture_is_drawn_here_and_names_the_person(ann):
    sealed = second_factor.new_secret()
    picture = second_factor.picture(ann, sealed)
    assert picture.startswith("data:image/svg+xml;base64,")
    drawn = base64.b64decode(unquote(picture.partition(",")[2]))
    assert b"<script" not in drawn
    assert second_factor.readable(sealed).replace(" ", "") == unseal(sealed)
