"""Slack: a digest in native blocks, to an incoming webhook or, with the installation's bot, to the person directly."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urljoin

from django.conf import settings

from accounts.secrets import Unreadable, unseal
from nudges import cards
from nudges.cards import Card, Line, Link, Part
from nudges.models import Delivery, Route
from program.fetch import FetchFailed, fetch

from .errors import ChannelError
from .posting import SHORT, Handing, PostSession, not_taken_yet, opened

BLOCKS = 50
SECTION, HEADER, BUTTON, URL, FALLBACK = 3000, 150, 75, 3000, 3000
BUTTONS = 25
ITEMS = 10
NAME, SENTENCE, LINKED = 300, 2500, 1000
"""How long the pieces of a line may be once they are escaped: a name, its address and a note fit into a section."""
SECONDS = 1.0
"""One message a second and channel is what Slack takes."""

Block = dict[str, Any]
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

GONE = (
    "account_inactive", "action_prohibited", "channel_is_archived", "channel_not_found", "invalid_token",
    "is_archived", "messages_tab_disabled", "no_active_hooks", "no_service", "no_service_id", "no_team",
    "team_disabled", "token_revoked", "user_disabled", "user_not_found", "users_not_found",
)  # fmt: skip
"""What Slack calls a place that takes nothing any more."""
OURS = ("account_inactive", "invalid_auth", "missing_scope", "not_allowed_token_type", "not_authed", "token_expired",
        "token_revoked", "invalid_token", "no_permission", "access_denied", "team_access_not_granted")  # fmt: skip
"""What Slack says of the installation's token: no fault of the person's place."""
LATER = ("ratelimited", "rate_limited", "service_unavailable", "team_added_to_org")
UNSURE = ("fatal_error", "internal_error", "request_timeout")
"""Slack says that some of it may have been done."""


class SlackChannel:
    """Posts to the incoming webhook that a person pasted."""

    def seal(self, row: Delivery, now: datetime) -> bytes:  # noqa: ARG002
        """The payload."""
        return json.dumps(payload(cards.read(row.card)), ensure_ascii=False).encode()

    def open(self) -> AbstractContextManager[PostSession]:
        """Nothing is connected yet."""
        return opened(self)

    def post(self, session: PostSession, route: Route, sealed: bytes, handing: Handing) -> None:
        """Retried only on 429 and where nothing was sent; whatever else is no clear answer is in doubt."""
        url = _unsealed(route)
        session.space_out(url, SECONDS)
        try:
            session.request(url, {"Content-Type": "application/json; charset=utf-8"}, sealed, handing)
        except FetchFailed as fault:
            session.waited_for(route, fault)
            raise not_taken_yet(fault) or _refusal(fault) from None


class DirectChannel(SlackChannel):
    """Writes to the person themselves, found by their e-mail address, with the installation's bot."""

    def post(self, session: PostSession, route: Route, sealed: bytes, handing: Handing) -> None:
        """users.lookupByEmail, then chat.postMessage."""
        user = self._user(route)
        session.space_out(user, SECONDS)
        body = json.dumps(json.loads(sealed) | {"channel": user}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", **_token()}
        try:
            answer = session.request(_method("chat.postMessage"), headers, body, handing)
        except FetchFailed as fault:
            session.waited_for(route, fault)
            raise not_taken_yet(fault) or ChannelError(_doubt(fault), in_doubt=True) from None
        if answer is not None:
            _heed(_read(answer.body))

    def _user(self, route: Route) -> str:
        url = f"{_method('users.lookupByEmail')}?{urlencode({'email': route.person.email})}"
        try:
            said = _read(fetch(url, headers=_token(), most=SHORT * 16).body)
        except FetchFailed as fault:
            raise ChannelError(fault.reason, retry_after=fault.retry_after) from None
        _heed(said, asked=True)
        user = said.get("user")
        found = user.get("id") if isinstance(user, dict) else None
        if not isinstance(found, str) or not found:
            raise ChannelError("Slack did not say which user has this address; an id was expected")
        return found


CHANNEL = SlackChannel()
DIRECT = DirectChannel()


# -- what it is sent --


def payload(card: Card) -> dict[str, Any]:
    """The message as Slack takes it: what has no room is left out and said to be."""
    whole = cards.shortened(card, items=ITEMS, parts=len(card.parts))
    parts: list[list[Block]] = [list(_part(part, number)) for number, part in enumerate(whole.parts[:BLOCKS])]
    room = BLOCKS - len(_head(card)) - len(_foot(card)) - 1
    fits = next((n for n in range(len(parts), 0, -1) if sum(map(len, parts[:n])) <= room), 0)
    cut = cards.shortened(card, items=ITEMS, parts=fits)
    return {
        "text": escaped(_first(card), FALLBACK),
        "blocks": [*_head(cut), *(block for part in parts[:fits] for block in part), *_foot(cut)],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escaped(text: str, most: int = SENTENCE) -> str:
    """A text in which nothing is a command of Slack's, at most so long; it is never cut within an escape."""
    whole = "".join(ESCAPES.get(char, char) for char in text[:most])
    if len(text) <= most and len(whole) <= most:
        return whole
    kept, length = [], 1
    for char in text:
        length += len(ESCAPES.get(char, char))
        if length > most:
            break
        kept.append(ESCAPES.get(char, char))
    return "".join(kept) + "…"


def _first(card: Card) -> str:
    return f"{card.first} {card.then}".strip() or card.title


def _head(card: Card) -> list[Block]:
    title = {"type": "plain_text", "text": _plain(card.title, HEADER), "emoji": False}
    return [{"type": "header", "text": title}, *_sections([_bold(card.first), escaped(card.then)])]


def _foot(card: Card) -> list[Block]:
    blocks: list[Block] = [{"type": "divider"}]
    blocks += [_context([escaped(text)]) for text in card.foot if text.strip()][:5]
    useful = " · ".join(_link(link) for link in card.useful[:2])
    ends = [f"{escaped(card.useful_label, NAME // 2)} {useful}"] if useful else []
    ends += [_link(link) for link in card.stop]
    return blocks + [_context(group) for group in _grouped(ends)]


def _part(part: Part, number: int) -> Iterator[Block]:
    yield {"type": "divider"}
    status = escaped(f"{part.shape} {part.status}".strip(), NAME)
    lines = [" · ".join(one for one in (_bold(part.heading), status) if one), escaped(part.says)]
    lines += [_labelled(line) for line in part.lines]
    yield from _sections(lines)
    yield from _sections(_items(part))
    steps = [f"{n}. {escaped(step)}" for n, step in enumerate(part.steps, start=1)]
    yield from _sections([_label(part.steps_label), *steps, *(_labelled(line) for line in part.tools)])
    yield from _sections(_side_by_side([_link(link) for link in part.links]))
    buttons = [b for n, link in enumerate(part.answers[:BUTTONS]) if (b := _button(link, f"answer-{number}-{n}"))]
    if buttons:
        yield _context([escaped(part.answers_label or "…")])
        yield {"type": "actions", "elements": buttons}


def _items(part: Part) -> Iterator[str]:
    if part.items and part.items_label:
        yield _label(part.items_label)
    for item in part.items:
        name = _link(Link(item.name, item.link)) if item.link else escaped(item.name, SENTENCE // 2)
        yield f"• {name}: {escaped(item.note, SENTENCE // 2)}" if item.note else f"• {name}"
    if part.more:
        yield escaped(part.more)


def _bold(text: str) -> str:
    """Bold, with no star of its own that would end it."""
    return f"*{escaped(_on_one_line(text).replace('*', '∗'))}*" if text.strip() else ""


def _label(text: str) -> str:
    return f"_{escaped(_on_one_line(text), NAME)}_" if text.strip() else ""


def _labelled(line: Line) -> str:
    return f"{_label(f'{line.label}:')} {escaped(line.text)}"


def _link(link: Link) -> str:
    """A link in the text; without an address that Slack takes, its words alone."""
    words, url = escaped(_on_one_line(link.words), NAME), link.url.replace("&", "&amp;")
    if not _is_web(url) or len(url) > LINKED or set(url) & set("|<>\n \t"):
        return words
    return f"<{url}|{words.replace('|', '∣')}>"


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _side_by_side(texts: Sequence[str]) -> Iterator[str]:
    """Texts in lines that fit into a section."""
    line = ""
    for text in texts:
        if line and len(line) + len(text) + 3 > SECTION:
            yield line
            line = ""
        line = f"{line} · {text}" if line else text
    if line:
        yield line


def _button(link: Link, name: str) -> Block | None:
    if not _is_web(link.url) or len(link.url) > URL:
        return None
    words = {"type": "plain_text", "text": _plain(link.words, BUTTON), "emoji": False}
    return {"type": "button", "text": words, "url": link.url, "action_id": name}


def _context(texts: Sequence[str]) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True} for text in texts]}


def _sections(lines: Iterable[str]) -> Iterator[Block]:
    """Lines in as few sections as they fit into."""
    held: list[str] = []
    for line in (line for line in lines if line.strip()):
        if held and sum(map(len, held)) + len(held) + len(line) > SECTION:
            yield _section(held)
            held = []
        held.append(line)
    if held:
        yield _section(held)


def _section(lines: Sequence[str]) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines), "verbatim": True}}


def _grouped(texts: Sequence[str], size: int = 10) -> Iterator[Sequence[str]]:
    for start in range(0, min(len(texts), 2 * size), size):
        yield texts[start : start + size]


def _plain(text: str, most: int) -> str:
    """A plain text. What Slack makes of escapes in one is not documented, so that brackets become other brackets."""
    told = _on_one_line(text).replace("<", "‹").replace(">", "›") or "…"
    return told if len(told) <= most else told[: most - 1] + "…"


# -- what it says --


def _unsealed(route: Route) -> str:
    try:
        return unseal(route.url)
    except Unreadable as fault:
        raise ChannelError(str(fault), permanent=True, address=True) from None


def _refusal(fault: FetchFailed) -> ChannelError:
    """What a webhook's answer means: in clear words it was not taken, and perhaps never will be; else in doubt."""
    said = fault.body.decode("utf-8", "replace").strip()[:100]
    status = fault.status
    if status is None or status >= 500 or 100 <= status < 200:
        return ChannelError(_doubt(fault), in_doubt=True)
    reason = f"{fault.reason} Slack says: {said}" if said else fault.reason
    gone = status in (401, 403, 404, 410) or status < 400 or said in GONE
    return ChannelError(reason, permanent=True, address=gone)


def _doubt(fault: FetchFailed) -> str:
    return f"no clear answer, so it may have arrived: {fault.reason}"


def _token() -> dict[str, str]:
    if not settings.SLACK_BOT_TOKEN:
        raise ChannelError("this installation has no SLACK_BOT_TOKEN any more", permanent=True, address=True)
    return {"Authorization": f"Bearer {settings.SLACK_BOT_TOKEN}"}


def _method(name: str) -> str:
    return urljoin(f"{settings.SLACK_API_URL.rstrip('/')}/", name)


def _read(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _heed(said: dict[str, Any], *, asked: bool = False) -> None:
    """Raise what Slack's own word for a failure means; `asked`: only a question was put, nothing can be in doubt."""
    if said.get("ok") is True:
        return
    error = str(said.get("error") or "nothing that can be read")[:100]
    reason = f"Slack says: {error}"
    if error in LATER or (asked and (error in UNSURE or not said)):
        raise ChannelError(reason)
    if error in UNSURE or not said:
        raise ChannelError(reason, in_doubt=True)
    raise ChannelError(reason, permanent=True, address=error in GONE and error not in OURS)
