"""nudges.links: every link of every kind of mail is followed as mail scanners and people do; not a row changes."""

from __future__ import annotations

import argparse
import email
import email.policy
import hashlib
import html
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drills.figures import Figure, say
from drills.ground import ground
from drills.ingest import APPLICATION, web
from drills.mail_server import Exchange, MailServer

if TYPE_CHECKING:
    pass

SITE = "https://quality.example"
LINK = re.compile(r"https?://[^\s<>\"']+")
NOT_HELD = ("django_session", "accounts_attempt")
"""What looking may write: sessions, and the throttles' counts of tries."""
SECONDS = 600
OVER = 410
"""What a link is answered whose time is over: it says so, and nothing else is there."""
WRONG = "answers of 400 or more, other than that a link is over"
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
"""A browser that asks nobody for anything."""
ALL = 10_000


def links_of(mails: Iterable[Exchange]) -> dict[str, set[str]]:
    """By receiver: each http link of text, HTML, calendar and headers."""
    found: dict[str, set[str]] = {}
    for mail in mails:
        message = email.message_from_bytes(mail.data, policy=email.policy.default)
        texts = [str(value) for value in message.values()]
        for part in message.walk():
            if part.get_content_maintype() == "text" or part.get_filename():
                content = part.get_content()
                text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
                texts.append(html.unescape(text) if part.get_content_subtype() == "html" else text)
        whom = found.setdefault(mail.receivers[0], set())
        for text in texts:
            whom |= {link.rstrip(".,;)") for link in LINK.findall(text.replace("\r\n ", ""))}
    return found


def fingerprint() -> dict[str, str]:
    """By table: a digest of all its rows."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if table in NOT_HELD:
                continue
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows = sorted(repr(row) for row in cursor.fetchall())
            found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def changed(before: dict[str, str]) -> list[str]:
    """The tables that are not as they were."""
    after = fingerprint()
    return sorted(table for table in before.keys() | after.keys() if before.get(table) != after.get(table))


class Followed:
    """What following links came to."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()
        self.requests = 0
        self.faults: list[str] = []

    def note(self, status: int, what: str) -> None:
        """One answer."""
        self.requests += 1
        self.answers[status] += 1
        if status >= 400 and status != OVER:
            self.faults.append(f"{status} {what[:90]}")


def follow(found: dict[str, set[str]], people: dict[str, Any]) -> Followed:
    """GET and HEAD of each link: not signed in, and as the one who received it; redirects are followed."""
    from django.test import Client

    done = Followed()
    stranger = Client(SERVER_NAME="localhost", raise_request_exception=False)
    for receiver, links in sorted(found.items()):
        clients = [stranger, *([people[receiver]] if receiver in people else [])]
        for link in sorted(links):
            for client in clients:
                for method in (client.get, client.head):
                    answer = method(path_of(link), follow=True)
                    done.note(answer.status_code, f"{method.__name__} {path_of(link)}")
    return done


def signed_in(receivers: Iterable[str]) -> dict[str, Any]:
    """A browser of each receiver, signed in: before rows are counted, since signing in is on record."""
    from django.test import Client

    from accounts.models import User

    found = {}
    for person in User.objects.filter(email__in=list(receivers), is_active=True):
        found[person.email] = Client(SERVER_NAME="localhost", raise_request_exception=False)
        found[person.email].force_login(person)
    return found


def browse(links: Sequence[str], port: int) -> Followed:
    """Each link in a real Chromium that is not signed in, its scripts running."""
    from playwright.sync_api import sync_playwright

    from tests.services import chromium

    done = Followed()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        page = browser.new_page()
        for link in links:
            answer = page.goto(f"http://127.0.0.1:{port}{path_of(link)}", wait_until="load")
            done.note(answer.status if answer else 0, f"browser {path_of(link)}")
        page.wait_for_timeout(500)  # what a page sends by itself once it is there
        browser.close()
    return done


def path_of(link: str) -> str:
    """A link without its host."""
    parts = urlsplit(link)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def one_of_each(links: Iterable[str], most: int) -> list[str]:
    """At most so many links: first one of each page, then more of them."""
    from django.urls import resolve

    by_name: dict[str, list[str]] = {}
    for link in sorted(links):
        by_name.setdefault(str(resolve(urlsplit(link).path or "/").url_name), []).append(link)
    first = [of_name[0] for of_name in by_name.values()]
    return [*first, *(link for of_name in by_name.values() for link in of_name[1:])][: max(most, len(first))]


def main() -> None:
    """The drill and its sabotaged twin."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--browser", type=int, default=ALL, help="how many links at most a browser follows")
    given = options.parse_args()
    began = time.monotonic()
    with ground() as env, MailServer() as server:
        from django.conf import settings

        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = server.host, server.port, 20
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.SITE_URL, settings.ALLOWED_HOSTS = SITE, ["localhost", "127.0.0.1"]
        from drills import every_mail

        missing = every_mail.send()
        found = links_of(server.accepted)
        own = {who: {link for link in links if link.startswith(SITE)} for who, links in found.items()}
        others = {link for links in found.values() for link in links} - {link for s in own.values() for link in s}
        people = signed_in(own)
        before = fingerprint()
        fetched = follow(own, people)
        after_fetching = changed(before)
        each = {link for links in own.values() for link in links}
        chosen = one_of_each(each, given.browser)
        with web(env, APPLICATION) as (_server, port):
            browsed = browse(chosen, port)
        after_browsing = changed(before)
        every_mail.sabotage()
        follow(own, {})
        twin = changed(before)
    _say("kinds", len(missing), f"kinds of mail not seen ({', '.join(missing)})" if missing else "kinds not seen", "0",
         not missing)  # fmt: skip
    _say("mails", len(server.accepted), "mails", "> 20", len(server.accepted) > 20)
    _say("links", len(each), "links of ours, of text, HTML, calendar and headers", "> 100", len(each) > 100)
    _say("others", len(others), "links to elsewhere, not followed", "no goal", True)
    _say("fetched", fetched.requests, "GETs and HEADs, signed in and not", "> 400", fetched.requests > 400)
    _say("broken", len(fetched.faults), "; ".join(fetched.faults[:3]) or WRONG, "0",
         not fetched.faults)  # fmt: skip
    _say("rows_changed", len(after_fetching), ", ".join(after_fetching) or "tables changed", "0", not after_fetching)
    _say("browsed", browsed.requests, "pages in Chromium", str(len(chosen)), browsed.requests == len(chosen))
    _say("browsed.broken", len(browsed.faults), "; ".join(browsed.faults[:3]) or WRONG, "0",
         not browsed.faults)  # fmt: skip
    _say("browsed.rows_changed", len(after_browsing), ", ".join(after_browsing) or "tables changed", "0",
         not after_browsing)  # fmt: skip
    _say("sabotage.get_acts", len(twin), ", ".join(twin) or "tables changed", "> 0: the drill sees it", bool(twin))
    seconds = round(time.monotonic() - began, 1)
    _say("seconds", seconds, "s", f"<= {SECONDS}", seconds <= SECONDS)


def _say(name: str, value: float, unit: str, goal: str, ok: bool) -> None:
    say(Figure(f"nudges.links.{name}", value, unit, goal, bool(ok)))


if __name__ == "__main__":
    main()
