"""The people and the small organization of the tests: alice leads, bob is a mate, charlie a stranger, sam sponsors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from accounts.models import User
from program.models import Metric, Program
from teams.apply.files import apply_text
from teams.models import Goal, Team

NOW = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
"""The moment at which most tests play: a Monday."""

PASSWORD = "correct horse battery"

ORG = """
kind: Group
metadata: {name: engineering, annotations: {technical-quality/lead: gina}}
spec: {children: [api, web], profile: {displayName: Engineering}}
---
kind: Group
metadata:
  name: api
  annotations: {technical-quality/lead: "user:default/alice", technical-quality/time-zone: Europe/Riga}
spec: {parent: engineering, profile: {displayName: Api}, members: [bob]}
---
kind: Group
metadata: {name: web, annotations: {technical-quality/lead: wanda}}
spec: {parent: engineering}
---
kind: User
metadata: {name: alice}
spec: {profile: {email: alice@example.com, displayName: Alice}, memberOf: [api]}
---
kind: User
metadata: {name: bob}
spec: {profile: {email: bob@example.com, displayName: Bob}}
---
kind: User
metadata: {name: wanda}
spec: {profile: {email: wanda@example.com, displayName: Wanda}}
---
kind: User
metadata: {name: gina}
spec: {profile: {email: gina@example.com, displayName: Gina}}
---
kind: User
metadata: {name: charlie}
spec: {profile: {email: charlie@example.com, displayName: Charlie}}
"""

TYPING = """
program:
  key: typing
  name: Every function typed
  purpose: Fewer production type errors, safer refactoring
  sponsor: {email: sam@example.com, mandate: can move two sprints per team per quarter}
  owners: [{email: tess@example.com, role: technical}, {email: pam@example.com, role: manager}]
  start: 2026-01-01
  end: 2026-12-31
  review: {every: 6 weeks, first: 2026-01-20T10:00, duration: 30m, timezone: Europe/Riga}
metrics:
  - key: typed-functions
    name: Functions with full annotations
    unit: "%"
    direction: up
    aggregation: ratio
    fresh_for: 45d
    definition: share of functions whose arguments and return are annotated
    playbook:
      steps: [Run the checker on one file, Annotate its functions, Add the file to the strict list]
      example: https://example.com/golden
      verify: "mypy {item}"
      expert: tess@example.com
  - {key: findings, name: Security findings, unit: findings, direction: down, aggregation: sum, fresh_for: 30d}
goals:
  - {metric: typed-functions, teams: all, start: 2026-01-01, due: 2026-12-31, target: 0.9}
  - {metric: findings, teams: [api], start: 2026-01-01, due: 2026-12-31, improve_by: 50%, tolerance: 0.05}
nudges: {every: 1 week, weekday: monday, hour: 9, max_per_person_per_week: 2}
"""

HEADER = "metric,team,item,as_of,numerator,denominator\n"


@dataclass(frozen=True)
class World:
    """What `settle` made."""

    alice: User
    bob: User
    wanda: User
    gina: User
    charlie: User
    sam: User
    tess: User
    pam: User
    api: Team
    web: Team
    engineering: Team
    program: Program
    typed: Metric
    findings: Metric

    def goal(self, team: Team, metric: Metric) -> Goal:
        """The goal of a team on a metric."""
        return Goal.objects.get(program=self.program, team=team, metric=metric)


def settle(program: str = TYPING, now: datetime = NOW) -> World:
    """Apply the organization and the program; the named people can sign in with PASSWORD."""
    apply_text(ORG, now=now, via="test")
    apply_text(program, now=now, via="test")
    people = {name: User.objects.named(f"{name}@example.com") for name in
              ("alice", "bob", "wanda", "gina", "charlie", "sam", "tess", "pam")}  # fmt: skip
    for person in people.values():
        person.set_password(PASSWORD)
        person.save()
    teams = {key: Team.objects.get(key=key) for key in ("api", "web", "engineering")}
    return World(
        **people,  # type: ignore[arg-type]
        **teams,  # type: ignore[arg-type]
        program=Program.objects.get(key="typing"),
        typed=Metric.objects.get(key="typed-functions"),
        findings=Metric.objects.get(key="findings"),
    )
