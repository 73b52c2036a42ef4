"""What the tests of pages share: nothing that another test's page has kept."""

from __future__ import annotations

import pytest
from django.core.cache import caches


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    caches["pages"].clear()
