"""Trackers: the link that opens a new issue with title and text filled in; the reader's browser sends it, not we."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

LONGEST = 6000
"""Characters that every tracker and browser takes in an address: a longer one is not made."""
LONGEST_TITLE = 200
LABEL = "technical-quality"
CUT = "\n…"

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Tracker:
    """One kind of tracker: what address is expected, and how an issue's page is made of it."""

    title: str
    expects: str
    path: Callable[[str], str]
    fields: tuple[str, str]
    labels: str = ""
    markdown: bool = True
    needs: str = ""


def _github(path: str) -> str:
    return f"{_before(path, '/issues')}/issues/new"


def _gitlab(path: str) -> str:
    return f"{_before(path, '/-/')}/-/issues/new"


def _jira(path: str) -> str:
    return path if path.endswith("!init.jspa") else f"{path.rstrip('/')}/secure/CreateIssueDetails!init.jspa"


def _before(path: str, part: str) -> str:
    """A path up to some part: the address of a project's list of issues is as good as the project's own."""
    return path.partition(part)[0].rstrip("/").removesuffix(".git")


TRACKERS: Mapping[str, Tracker] = {
    "github": Tracker(
        "GitHub", "https://github.com/ORG/REPOSITORY", _github, ("title", "body"), labels="labels",
    ),
    "gitlab": Tracker(
        "GitLab", "https://gitlab.com/GROUP/PROJECT", _gitlab, ("issue[title]", "issue[description]"),
    ),
    "jira": Tracker(
        "Jira", "https://SITE/secure/CreateIssueDetails!init.jspa?pid=10000&issuetype=10001", _jira,
        ("summary", "description"), markdown=False, needs="pid",
    ),
}  # fmt: skip


def fault(tracker: str, address: str) -> str:
    """What is wrong with an address for a tracker, in words; "" if nothing is."""
    kind = TRACKERS[tracker]
    parts = _parts(address)
    if parts is None or (kind.needs and kind.needs not in dict(parse_qsl(parts.query))):
        return f"an address such as {kind.expects} was expected"
    if not parts.path.strip("/") and not kind.needs:
        return f"the project's address, such as {kind.expects}, was expected"
    return ""


def code(tracker: str, text: str) -> str:
    """A name or a command as the tracker shows it letter by letter: nobody named in it is called."""
    if not TRACKERS[tracker].markdown:
        return text
    run = longest = 0
    for letter in text:
        run = run + 1 if letter == "`" else 0
        longest = max(longest, run)
    fence, pad = "`" * (longest + 1), " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def issue_link(tracker: str, address: str, title: str, body: str) -> str:
    """The address of a new issue with its title and text, shorter than LONGEST; "" where none can be made.

    A text that is too long ends with an ellipsis. What the address asks already stays.
    """
    kind, parts = TRACKERS.get(tracker), _parts(address)
    if kind is None or parts is None or fault(tracker, address):
        return ""
    named_title, named_body = kind.fields
    title = " ".join(title.split())
    if len(title) > LONGEST_TITLE:
        title = title[: LONGEST_TITLE - 1] + "…"
    kept: Pairs = [(name, value) for name, value in parse_qsl(parts.query) if name not in kind.fields]
    if kind.labels and not any(name == kind.labels for name, _ in kept):
        kept.append((kind.labels, LABEL))
    path = quote(kind.path(parts.path), safe="/%:!$&()*+,;=~-._")

    def made(text: str) -> str:
        return urlunsplit(
            (parts.scheme, parts.netloc, path, _query([*kept, (named_title, title), (named_body, text)]), "")
        )

    room = LONGEST - 1 - len(made(""))
    if room < 0:
        return ""
    return made(_fitting(body, room))


def _parts(address: str) -> SplitResult | None:
    """The parts of a web address; None for anything else."""
    try:
        parts = urlsplit(address.strip())
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return None
    plain = address.isascii() and address.isprintable() and not any(mark in parts.netloc for mark in " \"'<>\\@")
    return parts if parts.scheme in ("http", "https") and host and plain else None


def _query(pairs: Sequence[tuple[str, str]]) -> str:
    return urlencode(pairs, quote_via=quote, safe="", errors="replace")


def _fitting(text: str, room: int) -> str:
    """As much of a text as fits when it is encoded, and an ellipsis where that is not all of it."""
    if len(_encoded(text)) <= room:
        return text
    room -= len(_encoded(CUT))
    used = 0
    for at, letter in enumerate(text):
        used += len(_encoded(letter))
        if used > room:
            return text[:at].rstrip() + CUT if room > 0 else ""
    return text


def _encoded(text: str) -> str:
    return quote(text, safe="", errors="replace")
