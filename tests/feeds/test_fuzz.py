"""The API under schemathesis: requests made from its own schema, and answers held against it."""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks
from schemathesis.core.transport import Response as Answer

from accounts.tokens import issue
from program.models import Metric
from teams.models import Run, Snapshot
from tests.feeds.corpus import GOOD, csv, line
from tests.people import NOW, settle

pytestmark = pytest.mark.django_db

EXAMPLES = 60 if os.environ.get("TEST_PASS") == "postgresql" else 5
"""A request a piece: most faults of this sort are PostgreSQL's (NUL, large numbers), so it is asked the more."""
CHECKS = [
    checks.not_a_server_error,
    checks.load_all_checks() or schemathesis.checks.CHECKS.get_one("status_code_conformance"),
]
