"""The embedded broker: kombu's file-system transport, with files that appear whole and are taken by one reader only."""

from __future__ import annotations

import json
import os
import uuid
from fcntl import LOCK_EX, LOCK_UN, flock
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any

from kombu.transport import filesystem


class Channel(filesystem.Channel):
    """kombu's channel writes a message in place, so that a reader may see half of it and die (kombu #1551).

    Here a message is written under a temporary name and renamed, and taken by renaming it; the table of queues is
    replaced whole under a lock. A message taken by a worker that is killed is lost: the database holds what is due.
    """

    def _put(self, queue: str, payload: Any, **_kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time_ns()}_{uuid.uuid4()}.{queue}.msg"
        written = folder / f".{name}"
        written.write_bytes(json.dumps(payload).encode())
        written.rename(folder / name)

    def _get(self, queue: str, timeout: Any = None) -> Any:  # noqa: ARG002 - the signature is kombu's
        folder = Path(self.data_folder_in)
        ending = f".{queue}.msg"
        for name in sorted(entry for entry in os.listdir(folder) if entry.endswith(ending) and entry[0] != "."):
            taken = folder / f".taken_{uuid.uuid4()}"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:  # another worker was first
                continue
            payload = taken.read_bytes()
            taken.unlink()
            return json.loads(payload)
        raise Empty

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        file = self._exchange_file(exchange)
        self.control_folder.mkdir(parents=True, exist_ok=True)
        with (self.control_folder / ".lock").open("w") as lock:
            flock(lock, LOCK_EX)
            held = [list(row) for row in self.get_table(exchange)]
            wanted = [routing_key or "", pattern or "", queue or ""]
            if wanted not in held:
                written = file.with_suffix(f".{uuid.uuid4()}")
                written.write_text(json.dumps([wanted, *held]), encoding="utf-8")
                written.rename(file)
            flock(lock, LOCK_UN)


class Transport(filesystem.Transport):
    """What CELERY_BROKER_URL names by default."""

    Channel = Channel
