"""nudges.kill9: the sender is killed again and again in mid-work; nothing goes out twice or is lost without a word."""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drills.figures import Figure, say
from drills.ground import ROOT, ground
from drills.mail_server import Exchange, MailServer

if TYPE_CHECKING:  # models can be imported only once Django is set up
    from drills.outbox_under_test import Reckoning

# Where a kill is aimed: the server stalls at this stage, and the sender dies there. None: at a moment of chance.
AIMS = ("mail", "data", "accepted", None)
AT_LEAST_EACH = 3
PATIENCE = 30.0
SENDER = [sys.executable, str(ROOT / "manage.py"), "deliver"]


@dataclass
class Aim:
    """Stalls the server at one stage, once, and tells when a sender stands there."""

    stage: str | None = None
    messages_before: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __call__(self, stage: str, _exchange: Exchange) -> str | None:
        if stage != self.stage or self.go_on.is_set():
            return None
        if self.messages_before > 0:
            self.messages_before -= 1
            return None
        self.reached.set()
        self.go_on.wait(PATIENCE)
        return None


@dataclass
class Outcome:
    """Where the kills landed, and the reckoning."""

    landed: Counter[str]
    reckoning: Reckoning
    seconds: float


def run(env: dict[str, str], messages: int, kills: int, sender: list[str], seed: int) -> Outcome:
    """Fill the outbox, kill `kills` senders, let the last one finish, reckon."""
    from drills import outbox_under_test as outbox
    from nudges.models import Delivery

    chance = random.Random(seed)
    began = time.monotonic()
    Delivery.objects.all().delete()
    outbox.fill(messages)
    landed: Counter[str] = Counter()
    with MailServer() as server:
        env = env | {"EMAIL_HOST": server.host, "EMAIL_PORT": str(server.port), "EMAIL_TIMEOUT": "20"}
        for n in range(kills):
            aim = Aim(AIMS[n % len(AIMS)], chance.randint(0, max(1, messages // kills * 3 // 4)))
            server.on_stage = aim
            send_and_kill(sender, env, aim, chance)
            landed[landing(server)] += 1
            aim.go_on.set()
            outbox.let_time_pass()
        server.on_stage = lambda _stage, _exchange: None
        for _ in range(10):
            if outbox.waiting() == 0:
                break
            subprocess.run(sender, env=env, check=True, timeout=PATIENCE * 4, stdout=subprocess.DEVNULL)
            outbox.let_time_pass()
        return Outcome(landed, outbox.reckon(server), time.monotonic() - began)


def send_and_kill(sender: list[str], env: dict[str, str], aim: Aim, chance: random.Random) -> None:
    child = subprocess.Popen(sender, env=env, stdout=subprocess.DEVNULL)
    try:
        if aim.stage is None:
            _first_rows_claimed(child)
            time.sleep(chance.uniform(0, 0.1))
        else:
            deadline = time.monotonic() + PATIENCE
            while not aim.reached.wait(0.02) and child.poll() is None and time.monotonic() < deadline:
                pass
    finally:
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
        child.wait()


def _first_rows_claimed(child: subprocess.Popen[bytes]) -> None:
    from drills import outbox_under_test as outbox

    deadline = time.monotonic() + PATIENCE
    while child.poll() is None and time.monotonic() < deadline:
        if outbox.rows().filter(state__in=("claimed", "handing")).exists():
            return
        time.sleep(0.01)


def landing(server: MailServer) -> str:
    """Where the outbox and the server stood when the sender died."""
    from drills import outbox_under_test as outbox

    handing = list(outbox.rows().filter(state="handing").values_list("message_id", flat=True))
    if handing:
        return "after DATA" if any(server.has(message) for message in handing) else "before DATA"
    return "claimed" if outbox.rows().filter(state="claimed").exists() else "between batches"


def main() -> None:
    """The drill and its two sabotaged twins."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=1000)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    with ground() as env:
        whole = run(env, given.messages, given.kills, SENDER, given.seed)
        _figures(whole, given.messages, given.kills)
        twins = {name: _twin(env, name, given.seed) for name in ("resend", "mark-first")}
    doubled, lost = twins["resend"].reckoning, twins["mark-first"].reckoning
    _say("sabotage.resend.duplicates", doubled.duplicates, "messages", "> 0: the drill sees it", doubled.duplicates > 0)
    _say("sabotage.mark_first.lost", lost.lost, "messages", "> 0: the drill sees it", lost.lost > 0)


def _twin(env: dict[str, str], name: str, seed: int) -> Outcome:
    return run(env, 120, 8, [sys.executable, "-m", "drills.sabotaged", name], seed)


def _figures(whole: Outcome, messages: int, kills: int) -> None:
    found = whole.reckoning
    _say("duplicates", found.duplicates, f"of {found.messages} messages, {kills} kills", "0", found.duplicates == 0)
    _say("lost", found.lost, "messages said to be sent and never accepted", "0", found.lost == 0)
    _say("unsettled", found.unsettled, "rows in no final or shown state", "0", found.unsettled == 0)
    _say("unexpected", found.unexpected, "accepted though the outbox says not", "0", found.unexpected == 0)
    _say("rows", found.messages, "messages in the outbox", str(messages), found.messages == messages)
    in_doubt = found.states.get("in doubt", 0)
    _say("in_doubt", in_doubt, "messages, shown to the owner", f"<= {kills}, one a kill", in_doubt <= kills)
    enough = min(AT_LEAST_EACH, kills // len(AIMS))
    for where in ("claimed", "before DATA", "after DATA"):
        name = f"landed.{where.lower().replace(' ', '_')}"
        _say(name, whole.landed[where], "kills", f">= {enough}", whole.landed[where] >= enough)
    _say("seconds", round(whole.seconds, 1), "s", "<= 180", whole.seconds <= 180)


def _say(name: str, value: float, unit: str, goal: str, ok: bool) -> None:
    say(Figure(f"nudges.kill9.{name}", value, unit, goal, bool(ok)))


if __name__ == "__main__":
    main()
