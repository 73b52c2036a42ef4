"""The API under schemathesis: requests made from its own schema, and answers held against it."""

from __future__ import annotations

import os

import pytest
import schemathesis
from schemathesis import checks

pytestmark = pytest.mark.django_db

EXAMPLES = 60 if os.environ.get("TEST_PASS") == "postgresql" else 5
"""A request a piece: most faults of this sort are PostgreSQL's (NUL, large numbers), so it is asked the more."""
CHECKS = [
    checks.not_a_server_error,
    checks.load_all_checks() or schemathesis.checks.CHECKS.get_one("status_code_conformance"),
]
