"""nudges.days: 90 simulated days of 200 teams, planned and delivered for real; nobody is told too much, or at night."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from drills.figures import Figure, say
from drills.ground import ROOT, ground
from drills.mail_server import MailServer

SECONDS = 900
TWIN_DAYS, TWIN_TEAMS = 28, 32


def night_shift() -> None:
    """Every hour is a working hour."""
    from nudges import hours

    hours.is_working = lambda *_: True


def silence_is_guilt() -> None:
    """What was not measured counts as short."""
    from nudges import policy
    from program.rules.status import FINE

    policy.worth_saying = lambda status, slipped: status not in FINE  # noqa: ARG005


def not_on_record() -> None:
    """The server's 250 is not put on record: the message goes out again at the next tick."""
    from nudges import arrows
    from nudges.models import Delivery

    guarded = arrows.to_sent

    def to_sent(pk: int, token: str, now: Any, *, erase: bool = False) -> bool:
        if Delivery.objects.filter(pk=pk, attempts=0).update(state="pending", lease="", lease_until=None, attempts=1):
            Delivery.objects.filter(pk=pk).update(next_at=now + timedelta(hours=1))
            return True
        return guarded(pk, token, now, erase=erase)

    arrows.to_sent = to_sent


def no_breaker() -> None:
    """Nothing holds a storm."""
    from nudges import guards

    guards.hold_storm = lambda now: 0  # noqa: ARG005


TWINS = {"night_shift": "quiet", "silence_is_guilt": "missing", "not_on_record": "two_a_day", "no_breaker": "storm"}
"""A guard that is taken out, and the figure that must turn red."""


def run(days: int, teams: int, twin: str = "") -> dict[str, Any]:
    """Play on a fresh database; the figures that count."""
    began = time.monotonic()
    with ground() as env, MailServer() as server:
        _lead_to(server)
        if twin:
            globals()[twin]()
        from drills.days_under_test import Days, faults

        world = Days(days, teams, server)
        played = world.play()
        digests = world.digests()
        found = faults(played, digests, teams)
        weeks = Counter((mail.to, mail.at.date().isocalendar()[:2]) for mail in digests)
        dark = (world.dark, world.dark + timedelta(days=10))
        del env
    storm = played.storm_before_release
    return {
        "two_a_day": found.two_a_day, "quiet": found.quiet, "missing": found.missing,
        "storm": max(0, storm - played.storm_limit), "storm_before_release": storm, "storm_limit": played.storm_limit,
        "storm_held": played.storm_held, "storm_released": played.storm_released, "digests": len(digests),
        "others": len(played.mails) - len(digests), "most_a_week": max(weeks.values(), default=0),
        "a_person_week": len(digests) / teams / (days / 7), "seconds": time.monotonic() - began,
        "dark": f"{dark[0]} to {dark[1]}",
    }  # fmt: skip


def _lead_to(server: MailServer) -> None:
    from django.conf import settings

    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = server.host, server.port, 20
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""


def main() -> None:
    """The drill and its sabotaged twins, each in a process and on a database of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--teams", type=int, default=200)
    options.add_argument("--twin", choices=[*TWINS, ""], default="")
    options.add_argument("--twins", nargs="*", choices=list(TWINS), default=list(TWINS))
    given = options.parse_args()
    if given.twin:
        print(json.dumps(run(given.days, given.teams, given.twin)))
        return
    twins = {name: _twin(name) for name in given.twins}
    _figures(run(given.days, given.teams), given)
    for name, found in twins.items():
        red = found[TWINS[name]]
        _say(f"sabotage.{name}.{TWINS[name]}", red, "too many", "> 0: the drill sees it", red > 0)


def _twin(name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "drills.ninety_days", "--twin", name]
    command += ["--days", str(TWIN_DAYS), "--teams", str(TWIN_TEAMS)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the twin {name} broke off: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _figures(found: dict[str, Any], given: argparse.Namespace) -> None:
    scope = f"in {given.days} days of {given.teams} teams"
    _say("digests", found["digests"], scope, f">= {given.teams}", found["digests"] >= given.teams)
    _say("two_a_day", found["two_a_day"], "digests beyond one a person and day", "0", found["two_a_day"] == 0)
    _say("quiet_hours", found["quiet"], "digests at night, on weekends or holidays", "0", found["quiet"] == 0)
    _say(
        "missing_data", found["missing"], f"nudges about nothing measured ({found['dark']})", "0", not found["missing"]
    )
    _say("most_a_week", found["most_a_week"], "digests a person at most", "<= 2", found["most_a_week"] <= 2)
    _say("a_person_week", round(found["a_person_week"], 3), "digests on average", "<= 1", found["a_person_week"] <= 1)
    within = found["storm_before_release"] <= found["storm_limit"]
    _say("storm.went_out", found["storm_before_release"], "before the release", f"<= {found['storm_limit']}", within)
    held = found["storm_held"]
    _say("storm.held", held, "digests of the storm", "> 0", held > 0)
    _say("storm.released", found["storm_released"], "by a person", str(held), found["storm_released"] == held)
    _say("seconds", round(found["seconds"], 1), "s", f"<= {SECONDS}", found["seconds"] <= SECONDS)


def _say(name: str, value: float, unit: str, goal: str, ok: bool) -> None:
    say(Figure(f"nudges.days.{name}", value, unit, goal, bool(ok)))


if __name__ == "__main__":
    main()
