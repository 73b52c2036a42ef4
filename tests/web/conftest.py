"""What the tests of pages share: nothing that another test's page has kept, and the played weeks of the nudges."""

from __future__ import annotations

import pytest
from django.core.cache import caches

from tests.nudges.conftest import mail_server, play  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    caches["pages"].clear()
