"""Child processes run together: their output is prefixed, and when one ends, all do."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

GRACE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Command:
    """One process to run."""

    name: str
    argv: Sequence[str]


class Family:
    """Runs commands until one of them ends or a signal comes; then ends all, by process id."""

    def __init__(self, commands: Sequence[Command], environment: Mapping[str, str], out: IO[str] = sys.stdout) -> None:
        self.commands, self.environment, self.out = commands, environment, out
        self.children: dict[str, subprocess.Popen[str]] = {}
        self.width = max(len(command.name) for command in commands)
        self.stopping = threading.Event()

    def run(self, ready: Callable[[], bool] = lambda: True, when_ready: Callable[[], None] = lambda: None) -> int:
        """Start all, call `when_ready` once `ready()` says so, and wait. 0 after Ctrl-C, else a non-zero exit code."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stopping.set())
        for command in self.commands:
            self._start(command)
        announced = False
        ended: str | None = None
        while not self.stopping.is_set() and ended is None:
            if not announced and ready():
                when_ready()
                announced = True
            ended = next((name for name, child in self.children.items() if child.poll() is not None), None)
            self.stopping.wait(0.2)
        self._stop_all()
        if ended is None:
            return 0
        code = self.children[ended].returncode
        self._say("up", f"{ended} ended with exit code {code}; the others were stopped")
        return code or 1

    def _start(self, command: Command) -> None:
        child = subprocess.Popen(  # noqa: S603 - our own commands
            list(command.argv),
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            start_new_session=True,  # so that Ctrl-C reaches this process only, which then ends them in order
        )
        self.children[command.name] = child
        threading.Thread(target=self._pass_on, args=(command.name, child), daemon=True).start()

    def _pass_on(self, name: str, child: subprocess.Popen[str]) -> None:
        for line in child.stdout or ():
            self._say(name, line.rstrip("\n"))

    def _say(self, name: str, line: str) -> None:
        print(f"{name:<{self.width}} | {line}", file=self.out, flush=True)

    def _stop_all(self) -> None:
        """Ask each to end, and after the grace period end it and its own children."""
        for child in self.children.values():
            if child.poll() is None:
                child.terminate()
        until = time.monotonic() + GRACE_SECONDS
        for child in self.children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, until - time.monotonic()))
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            child.wait()
