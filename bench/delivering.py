"""Delivering to a local SMTP server, against bare loops on one connection in the same run: Django's own mail, which
writes and sends each message and keeps no states (the goal), and one that sends bytes written before (for the record:
it has nothing to do but wait for a server that answers in a third of a millisecond).

Sending runs in a process of its own, so that its memory can be told: python -m bench.delivering WHAT MESSAGES PORT
"""

from __future__ import annotations

import json
import os
import resource
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection

from bench.report import Report

if TYPE_CHECKING:  # models can be imported only once Django is set up
    from nudges.models import Delivery

FEW, MANY, DIGESTS = 1_000, 10_000, 300
LEAST, MOST_MEMORY = 0.5, 1.3
AT_A_TIME = 500
TEXT = "\n".join(f"{n}. src/package{n}/module{n}.py is {n} functions short of its path" for n in range(60))


def measure(report: Report) -> None:
    """nudges.deliver.*"""
    vendor = connection.vendor
    with mail_server() as port:
        few, many = _send("messages", FEW, port), _send("messages", MANY, port)
        digests = _send("digests", DIGESTS, port)
    name = f"nudges.deliver.{vendor}"
    report.at_least(f"{name}.a_second", many["a_second"], "messages", many["django_a_second"], LEAST)
    report.note(f"{name}.a_second_against_bytes_written_before", many["a_second"], "messages", many["bare_a_second"])
    report.at_most(f"{name}.memory_flat", many["mb"], "MB", few["mb"], MOST_MEMORY)
    report.note(f"{name}.digests_written_and_sent_a_second", digests["a_second"], "digests", digests["bare_a_second"])
    report.note(f"{name}.digests_written_a_second", digests["written_a_second"], "digests", digests["bare_a_second"])


@contextmanager
def mail_server() -> Iterator[int]:
    """An SMTP server in a process of its own; gives its port."""
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.delivering", "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


def _serve() -> None:
    from drills.mail_server import Exchange, MailServer

    with tempfile.TemporaryFile(prefix="bench-mail-") as spool, MailServer() as server:

        def store(stage: str, exchange: Exchange) -> None:
            if stage == "text":  # before its 250 a server must have the mail on the disk
                spool.write(exchange.data)
                spool.flush()
                os.fsync(spool.fileno())

        server.on_stage = store
        print(server.port, flush=True)
        sys.stdin.read()


def _send(what: str, messages: int, port: int) -> dict[str, float]:
    """Send in a process of its own; what it says of itself."""
    connection.close()
    env = os.environ | {
        "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(port), "EMAIL_USE_TLS": "0", "EMAIL_HOST_USER": "",
        "INSTANCE_ID": "",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "bench.delivering", what, str(messages), str(port)],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"delivering broke off: {done.stderr[-3000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _bare(sealed: list[tuple[str, bytes]], port: int) -> float:
    """Messages a second of a loop on one connection."""
    with smtplib.SMTP("127.0.0.1", port) as server:
        began = time.perf_counter()
        for address, text in sealed:
            server.sendmail("quality@example.com", [address], text)
        return len(sealed) / (time.perf_counter() - began)


def _django(rows: Iterable[Delivery], port: int) -> float:
    """Messages a second of Django's own mail on one connection."""
    from django.core import mail

    rows = list(rows)
    with mail.get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port) as server:
        began = time.perf_counter()
        for row in rows:
            letter = mail.EmailMultiAlternatives(row.subject, row.text, to=[row.address], connection=server)
            letter.attach_alternative(row.html, "text/html")
            letter.send()
        return len(rows) / (time.perf_counter() - began)


def _deliver(messages: int, now: Any) -> float:
    """Messages a second of the outbox, until nothing is left."""
    from nudges import delivery
    from nudges.models import Delivery

    before = Delivery.objects.filter(state="sent").count()
    began = time.perf_counter()
    while delivery.deliver_batch(now).more:
        pass
    taken = time.perf_counter() - began
    sent = Delivery.objects.filter(state="sent").count() - before
    assert sent == messages, (sent, messages)
    return sent / taken


def _messages(count: int, port: int) -> dict[str, float]:
    """Letters whose words stand already."""
    from bench import nudging_world as world
    from nudges import kinds, outbox
    from nudges.channels.registry import channel
    from nudges.models import Delivery

    kinds.register(kinds.Kind("bench", breaker=False))
    for start in range(0, count, AT_A_TIME):
        outbox.put_all(
            [
                outbox.Letter(
                    kind="bench", key=f"{count}:{n}", address=f"person{n}@example.com", subject=f"Message {n}",
                    text=TEXT, html=f"<pre>{TEXT}</pre>",
                )
                for n in range(start, min(start + AT_A_TIME, count))
            ],
            world.NOW,
        )  # fmt: skip
    rows = Delivery.objects.filter(kind="bench", state="pending")[:1000]
    sealed = [(row.address, channel("email").seal(row, world.NOW)) for row in rows]
    before = _bare(sealed, port), _django(rows, port)
    ours = _deliver(count, world.NOW)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    bare, django = (before[0] + _bare(sealed, port)) / 2, (before[1] + _django(rows, port)) / 2
    return {"a_second": ours, "bare_a_second": bare, "django_a_second": django, "mb": peak}


def _digests(count: int, port: int) -> dict[str, float]:
    """Digests as they were planned: checked again, written, sent."""
    from bench import nudging_world as world
    from nudges import digest, planning
    from nudges.channels.registry import channel
    from nudges.models import Delivery

    world.program()
    world.grow(0, count)
    planning.plan(world.NOW)
    some = list(Delivery.objects.filter(kind="digest", state="pending").values_list("pk", flat=True))
    # As released by a person: the breaker would hold so many, rightly.
    Delivery.objects.filter(pk__in=some).update(released_at=world.NOW)
    began = time.perf_counter()
    rows = list(Delivery.objects.filter(pk__in=some[:50]))
    digest.prefetch(rows, world.NOW)
    for row in rows:
        digest.compose(row.loaded, world.NOW)  # type: ignore[attr-defined]
    written = len(rows) / (time.perf_counter() - began)
    ours = _deliver(count, world.NOW + timedelta(minutes=1))
    sent = Delivery.objects.filter(pk__in=some).select_related("person")
    bare = _bare([(row.address, channel("email").seal(row, world.NOW)) for row in sent], port)
    return {"a_second": ours, "bare_a_second": bare, "written_a_second": written}


def main() -> None:
    """In that process."""
    if sys.argv[1] == "server":
        return _serve()
    import django

    django.setup()
    what, messages, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps({"messages": _messages, "digests": _digests}[what](messages, port)))
    return None


if __name__ == "__main__":
    main()
