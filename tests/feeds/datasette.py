"""A program for Datasette, whose real reports the tests hold: its teams, their CODEOWNERS, metrics and one feed."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

from accounts.tokens import issue
from program.models import Feed
from teams.apply.files import apply_text
from teams.models import LONG_AGO
from teams.reorganizing import set_file
from tests.people import NOW

REPORTS = Path(__file__).parent.parent / "data" / "reports"
DAY = date(2026, 3, 15)

TEAMS = """
kind: Group
metadata: {name: datasette}
spec: {children: [core, views, publish, quality, security]}
---
kind: Group
metadata: {name: core}
---
kind: Group
metadata: {name: views, annotations: {technical-quality/codeowners: datasette/pages}}
---
kind: Group
metadata: {name: publish}
---
kind: Group
metadata: {name: quality}
---
kind: Group
metadata: {name: security}
"""

CODEOWNERS = """
# Whoever owns nothing more exact: the core team
/datasette/                      @datasette/core
/datasette/views/                @datasette/pages
/datasette/publish/              @datasette/publish @datasette/core
/datasette/default_permissions/  @datasette/security
/datasette/actor_auth_cookie.py  @datasette/security
/tests/                          @datasette/quality
/datasette/version.py
"""

PROGRAM = """
program:
  key: steady
  name: Steady ground
  purpose: Changes that do not surprise
  sponsor: {email: vp@example.com}
  owners: [{email: tess@example.com, role: technical}]
  start: 2026-01-01
  end: 2026-12-31
metrics:
  - {key: coverage, name: Lines covered, unit: "%", direction: up, aggregation: ratio, fresh_for: 30d}
  - {key: test-cases, name: Test cases, direction: up, aggregation: sum, fresh_for: 30d}
  - {key: failed, name: Failed tests, direction: down, aggregation: sum, fresh_for: 30d}
  - {key: errored, name: Tests with errors, direction: down, aggregation: sum, fresh_for: 30d}
  - {key: skipped, name: Skipped tests, direction: down, aggregation: sum, fresh_for: 30d}
  - {key: lint, name: Findings of the linter, direction: down, aggregation: sum, fresh_for: 30d}
  - {key: asserts, name: Asserts outside tests, direction: down, aggregation: sum, fresh_for: 30d}
  - {key: practices, name: Practices, direction: up, aggregation: mean, fresh_for: 90d}
goals:
  - {metric: coverage, teams: all, start: 2026-01-01, due: 2026-12-31, target: 0.95}
  - {metric: lint, teams: all, start: 2026-01-01, due: 2026-12-31, target: 10}
  - {metric: failed, teams: all, start: 2026-01-01, due: 2026-12-31, target: 0}
feeds:
  - key: ci
    name: Reports of the build
    source: simonw/datasette
    measures:
      line-coverage: coverage
      tests: test-cases
      failed-tests: failed
      errored-tests: errored
      skipped-tests: skipped
      findings: lint
      "rules:assert": asserts
      checks: practices
    settings: {class_paths: "{path}.py"}
"""


def connect(*, owned: bool = True) -> Feed:
    """Apply teams, program and feed; and the CODEOWNERS, unless they are to come later."""
    apply_text(TEAMS, now=NOW, via="test")
    apply_text(PROGRAM, now=NOW, via="test")
    if owned:
        set_file("simonw/datasette", CODEOWNERS, since=LONG_AGO, now=NOW)
    return Feed.objects.get(key="ci")


def report(name: str) -> bytes:
    """A report's bytes, inflated."""
    data = (REPORTS / name).read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


def bearer() -> dict[str, str]:
    """The header of a token that may feed it."""
    return {"Authorization": f"Bearer {issue('ci', ['observations:feed:ci'])[1]}"}
