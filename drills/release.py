"""nudges.release: 10,000 messages, 200 kills of senders and workers, Redis wiped, a mail server with faults.

Too long for `make drill`: before a release, `make drill-release`.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drills.figures import Figure, say
from drills.ground import ground
from drills.kill9 import AIMS, PATIENCE, SENDER, Aim, landing, send_and_kill
from drills.mail_server import HANG_UP, Exchange, MailServer
from drills.worker_killed import queue, wipe

if TYPE_CHECKING:  # models can be imported only once Django is set up
    from drills.outbox_under_test import Reckoning

EACH = 20
"""Of so many kills one takes the whole queue: worker, its children and beat; Redis is wiped then."""
ROUNDS = 120
AT_LEAST_EACH = 3


@dataclass
class Faulty:
    """A mail server that refuses some for good, some for now, and hangs up on others: once before the text, once in it
    and once after it was taken. The stage of a kill comes first."""

    aim: Aim = field(default_factory=Aim)
    seen: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)

    def __call__(self, stage: str, exchange: Exchange) -> str | None:
        """The reply to give instead of the usual one."""
        self.aim(stage, exchange)
        if not exchange.receivers:
            return None
        receiver = exchange.receivers[0]
        fault = self._fault(stage, int(receiver.removeprefix("person").partition("@")[0]), receiver)
        self.met[fault or ""] += fault is not None
        return fault

    def _fault(self, stage: str, n: int, receiver: str) -> str | None:
        if stage == "rcpt" and n % 50 == 7:
            return "550 5.1.1 nobody of that name"
        first = self.seen[f"{stage} {receiver}"] == 0
        self.seen[f"{stage} {receiver}"] += 1
        if stage == "rcpt" and n % 20 == 3 and first:
            return "450 4.2.1 come back later"
        if stage == "text" and n % 200 == 9 and first:
            return "451 4.3.0 the disk is full just now"
        cut = {"data": 5, "text": 6, "accepted": 8}.get(stage)
        return HANG_UP if cut is not None and n % 1000 == cut and first else None


def main() -> None:
    """The drill."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=10_000)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    from tests.services import redis

    began = time.monotonic()
    with redis() as url, ground() as env:
        from drills import outbox_under_test as outbox

        env |= {"CELERY_BROKER_URL": url, "TICK_SECONDS": "1", "EMAIL_TIMEOUT": "20"}
        chance = random.Random(given.seed)
        outbox.fill(given.messages)
        landed: Counter[str] = Counter()
        server, faults = MailServer(), Faulty()
        server.on_stage = faults
        with server:
            env |= {"EMAIL_HOST": server.host, "EMAIL_PORT": str(server.port)}
            wiped = _kill(env, server, faults, given, landed, chance)
            faults.aim = Aim()
            for _ in range(ROUNDS):
                if outbox.waiting() == 0:
                    break
                subprocess.run(SENDER, env=env, check=True, timeout=PATIENCE * 40, stdout=subprocess.DEVNULL)
                outbox.let_time_pass()
            found = outbox.reckon(server)
    _figures(found, landed, wiped, faults, given)
    _say("seconds", round(time.monotonic() - began, 1), "s", "no limit", True)


def _kill(
    env: dict[str, str],
    server: MailServer,
    faults: Faulty,
    given: argparse.Namespace,
    landed: Counter[str],
    chance: random.Random,
) -> int:
    """Kill senders at the stage each is aimed at, and now and then the whole queue; how often Redis was wiped."""
    from drills import outbox_under_test as outbox

    wiped = 0
    for n in range(given.kills):
        aim = Aim(AIMS[n % len(AIMS)], chance.randint(0, max(1, given.messages // given.kills * 3 // 4)))
        if n % EACH == EACH - 1:
            aim.stage = aim.stage or "data"
            faults.aim = aim
            with queue(env):
                aim.reached.wait(PATIENCE)
            wipe(env)
            wiped += 1
        else:
            faults.aim = aim
            send_and_kill(SENDER, env, aim, chance)
        landed[landing(server)] += 1
        aim.go_on.set()
        outbox.let_time_pass()
    return wiped


def _figures(found: Reckoning, landed: Counter[str], wiped: int, faults: Faulty, given: argparse.Namespace) -> None:
    scope = f"of {found.messages} messages, {given.kills} kills"
    _say("duplicates", found.duplicates, scope, "0", found.duplicates == 0)
    _say("lost", found.lost, "messages said to be sent and never accepted", "0", found.lost == 0)
    _say("unsettled", found.unsettled, "rows in no final or shown state", "0", found.unsettled == 0)
    _say("unexpected", found.unexpected, "accepted though the outbox says not", "0", found.unexpected == 0)
    for state, count in found.states.items():
        _say(f"state.{state.replace(' ', '_')}", count, "messages", "no goal", True)
    cut = given.messages // 1000 * 2
    in_doubt = found.states.get("in doubt", 0)
    most = given.kills + cut
    _say("in_doubt", in_doubt, "messages, shown to the owner", f"<= {most}, one a kill or cut line", in_doubt <= most)
    refused = given.messages // 50
    failed = found.states.get("failed", 0)
    _say("failed", failed, "refused for good by the server", str(refused), failed == refused)
    for reply, times in sorted(faults.met.items()):
        if reply:
            _say(f"fault.{reply.split()[0]}", times, f"times: {reply}", "no goal", True)
    enough = min(AT_LEAST_EACH, given.kills // len(AIMS))
    for where in ("claimed", "before DATA", "after DATA"):
        name = f"landed.{where.lower().replace(' ', '_')}"
        _say(name, landed[where], "kills", f">= {enough}", landed[where] >= enough)
    _say("wiped", wiped, "times Redis was wiped", str(given.kills // EACH), wiped == given.kills // EACH)


def _say(name: str, value: float, unit: str, goal: str, ok: bool) -> None:
    say(Figure(f"nudges.release.{name}", value, unit, goal, bool(ok)))


if __name__ == "__main__":
    main()
