"""Microsoft Teams: a digest as an Adaptive Card, to the URL of a workflow that posts it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from accounts.secrets import Unreadable, unseal
from nudges import cards
from nudges.cards import Card, Line, Link, Part
from nudges.models import Delivery, Route
from program.fetch import FetchFailed

from .errors import ChannelError
from .posting import Handing, PostSession, not_taken_yet, opened

MOST = 27_000
"""Teams takes about 28 KB and cuts nothing itself."""
ITEMS = (10, 5, 3, 1, 0)
SPOKEN, FOOT, TITLE, LINKED = 1000, 600, 300, 200
STOPS = 4
"""So many programs have a link of their own that stops them; the last one stops all."""
URL = 2000
COLORS = {"behind": "Attention", "overdue": "Attention", "at risk": "Warning", "on track": "Good", "met": "Good"}
OFF = (
    "WorkflowNotFound",
    "WorkflowTriggerIsNotEnabled",
    "WorkflowDisabled",
    "WorkflowSuspended",
    "SubscriptionNotFound",
)
"""What a workflow that takes nothing any more says of itself."""

Element = dict[str, Any]


class TeamsChannel:
    """Posts to a workflow."""

    def seal(self, row: Delivery, now: datetime) -> bytes:  # noqa: ARG002
        """The payload."""
        return _bytes(payload(cards.read(row.card)))

    def open(self) -> AbstractContextManager[PostSession]:
        """Nothing is connected yet."""
        return opened(self)

    def post(self, session: PostSession, route: Route, sealed: bytes, handing: Handing) -> None:
        """Retried only on 429 and where nothing was sent; a workflow may have run even if it says 500."""
        try:
            url = unseal(route.url)
        except Unreadable as fault:
            raise ChannelError(str(fault), permanent=True, address=True) from None
        try:
            session.request(url, {"Content-Type": "application/json; charset=utf-8"}, sealed, handing)
        except FetchFailed as fault:
            session.waited_for(route, fault)
            raise not_taken_yet(fault) or _refusal(fault) from None


CHANNEL = TeamsChannel()


def payload(card: Card) -> dict[str, Any]:
    """The message as a workflow takes it. If it is too large, items go first, then goals; it says what it left out."""
    made = _message(card)
    if len(_bytes(made)) <= MOST:
        return made
    most = _most_parts(card)
    for parts in range(most, -1, -1):
        for items in ITEMS:
            made = _message(cards.shortened(card, items, parts))
            if len(_bytes(made)) <= MOST:
                return made
    return made


def _most_parts(card: Card) -> int:
    """How many parts fit at most, each without its items; a first guess that spares trying each number."""
    size = 0
    for number, part in enumerate(cards.shortened(card, items=0, parts=len(card.parts)).parts):
        size += len(_bytes({"items": list(_part(part))}))
        if size > MOST:
            return number
    return len(card.parts)


def _bytes(message: Element) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _message(card: Card) -> dict[str, Any]:
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": _cut(f"{card.first} {card.then}".strip(), TITLE),
        "body": list(_body(card)),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _body(card: Card) -> Iterator[Element]:
    yield _text([_run(_cut(card.title, TITLE), size="Large", weight="Bolder")])
    if card.first or card.then:
        yield _text([_run(card.first, weight="Bolder"), _run(f" {card.then}" if card.then else "")])
    for part in card.parts:
        yield {"type": "Container", "separator": True, "spacing": "Large", "items": list(_part(part))}
    foot = [_text([_run(_cut(text, FOOT), isSubtle=True, size="Small")], spacing="Small") for text in card.foot if text]
    if card.useful:
        runs = [_run(f"{card.useful_label} ", isSubtle=True, size="Small"), *_links(card.useful, size="Small")]
        foot.append(_text(runs, spacing="Small"))
    if card.stop:
        foot.append(_text(_links(card.stop[-STOPS:], size="Small"), spacing="Small"))
    if foot:
        yield {"type": "Container", "separator": True, "spacing": "Large", "items": foot}


def _part(part: Part) -> Iterator[Element]:
    head = [_run(part.heading, weight="Bolder", size="Medium")] if part.heading else []
    status = f"{part.shape} {part.status}".strip()
    if status:
        head.append(_run(f"  {status}", color=COLORS.get(part.status, "Default"), weight="Bolder"))
    if head:
        yield _text(head)
    if part.says:
        yield _text([_run(part.says)], spacing="Small")
    yield from (_labelled(line) for line in part.lines)
    if part.items and part.items_label:
        yield _text([_run(part.items_label, isSubtle=True)], spacing="Medium")
    for item in part.items:
        note = [_run(f": {item.note}")] if item.note else []
        yield _text([_run("• "), _link(Link(item.name, item.link)), *note], spacing="Small")
    if part.more:
        yield _text([_run(part.more, isSubtle=True)], spacing="Small")
    if part.steps_label:
        yield _text([_run(part.steps_label, isSubtle=True)], spacing="Medium")
    for number, step in enumerate(part.steps, start=1):
        yield _text([_run(f"{number}. {step}")], spacing="Small")
    yield from (_labelled(line) for line in part.tools)
    links = [link for link in part.links if _is_web(link.url)]
    if links:
        yield _text(_links(links), spacing="Medium")
    actions = [
        {"type": "Action.OpenUrl", "title": _cut(link.words, 60), "url": link.url}
        for link in part.answers[:6] if _is_web(link.url)
    ]  # fmt: skip
    if actions:
        yield _text([_run(part.answers_label, isSubtle=True)], spacing="Medium")
        yield {"type": "ActionSet", "actions": actions}


def _labelled(line: Line) -> Element:
    return _text([_run(f"{line.label}: ", isSubtle=True), _run(line.text)], spacing="Small")


def _text(runs: Sequence[Element], **how: Any) -> Element:
    """Runs and not a TextBlock: those read Markdown, and a file's or a person's name would be a link or bold in it."""
    return {"type": "RichTextBlock", "inlines": [run for run in runs if run["text"]] or [_run("…")], **how}


def _run(text: str, **how: Any) -> Element:
    return {"type": "TextRun", "text": _cut(text), **how}


def _link(link: Link, **how: Any) -> Element:
    if not _is_web(link.url):
        return _run(link.words, **how)
    return _run(link.words, color="Accent", selectAction={"type": "Action.OpenUrl", "url": link.url}, **how)


def _links(links: Sequence[Link], **how: Any) -> list[Element]:
    runs: list[Element] = []
    for link in links:
        runs += [_run(" · ", isSubtle=True, **how)] if runs else []
        runs.append(_link(Link(_cut(link.words, LINKED), link.url), **how))
    return runs


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://")) and len(url) <= URL


def _cut(text: str, most: int = SPOKEN) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _refusal(fault: FetchFailed) -> ChannelError:
    status, said = fault.status, fault.body.decode("utf-8", "replace")
    if status is None or status >= 500 or status < 200:
        return ChannelError(f"no clear answer, so it may have arrived: {fault.reason}", in_doubt=True)
    code = _code(said)
    reason = f"{fault.reason} Teams says: {code}" if code else fault.reason
    gone = status in (401, 403, 404, 410) or status < 400 or code in OFF
    return ChannelError(reason, permanent=True, address=gone)


def _code(said: str) -> str:
    """The code in an answer of a workflow."""
    try:
        return str(json.loads(said)["error"]["code"])[:100]
    except (ValueError, TypeError, KeyError):
        return ""
