"""How a message looks in Slack and in Teams, drawn from the very payload that is sent: plain, and nothing acts."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from nudges import cards
from nudges.channels import slack, teams

NOTHING = Markup("")
LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")
BOLD = re.compile(r"\*([^*\n]+)\*")
ITALIC = re.compile(r"(?<!\w)_([^_\n]+)_(?!\w)")


@dataclass(frozen=True)
class Piece:
    """One piece from top to bottom: title, text, small, rule or buttons."""

    kind: str
    text: Markup = NOTHING
    buttons: Sequence[str] = ()


@dataclass(frozen=True)
class Look:
    """One message in one place."""

    place: str
    pieces: Sequence[Piece]
    payload: str


def of_card(kept: Mapping[str, Any]) -> list[Look]:
    """Both looks of a card as the outbox keeps it; none where there is no card."""
    if not kept:
        return []
    card = cards.read(kept)
    in_slack, in_teams = slack.payload(card), teams.payload(card)
    body = in_teams["attachments"][0]["content"]["body"]
    return [
        Look("Slack", list(of_slack(in_slack["blocks"])), _shown(in_slack)),
        Look("Teams", list(of_teams(body)), _shown(in_teams)),
    ]


def of_slack(blocks: Iterable[Mapping[str, Any]]) -> Iterator[Piece]:
    """Block Kit, as far as slack.py uses it."""
    for block in blocks:
        match block["type"]:
            case "header":
                yield Piece("title", escape(block["text"]["text"]))
            case "section":
                yield Piece("text", _mrkdwn(block["text"]["text"]))
            case "context":
                yield Piece("small", Markup(" · ").join(_mrkdwn(one["text"]) for one in block["elements"]))
            case "divider":
                yield Piece("rule")
            case "actions":
                yield Piece("buttons", buttons=[one["text"]["text"] for one in block["elements"]])


def of_teams(elements: Iterable[Mapping[str, Any]]) -> Iterator[Piece]:
    """An Adaptive Card, as far as teams.py uses it."""
    for element in elements:
        if element["type"] == "Container":
            yield Piece("rule")
            yield from of_teams(element["items"])
        elif element["type"] == "ActionSet":
            yield Piece("buttons", buttons=[action["title"] for action in element["actions"]])
        else:
            runs = element["inlines"]
            size = runs[0].get("size")
            kind = "title" if size == "Large" else "small" if size == "Small" else "text"
            yield Piece(kind, Markup("").join(_run(run) for run in runs))


def _shown(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, ensure_ascii=False, indent=1)


def _mrkdwn(text: str) -> Markup:
    """Slack's markup as HTML: links, bold, italic, lines."""
    found, at = Markup(""), 0
    for link in LINK.finditer(text):
        found += _styled(text[at : link.start()])
        found += Markup('<a href="{}">{}</a>').format(html.unescape(link[1]), html.unescape(link[2]))
        at = link.end()
    return found + _styled(text[at:])


def _styled(text: str) -> Markup:
    safe = str(escape(html.unescape(text)))
    safe = ITALIC.sub(r'<span class="quiet">\1</span>', BOLD.sub(r"<strong>\1</strong>", safe))
    return Markup(safe.replace("\n", "<br>"))  # noqa: S704 - escaped above


def _run(run: Mapping[str, Any]) -> Markup:
    words: Markup = escape(run["text"])
    if "selectAction" in run:
        words = Markup('<a href="{}">{}</a>').format(run["selectAction"]["url"], words)
    if run.get("weight") == "Bolder":
        words = Markup("<strong>{}</strong>").format(words)
    return Markup('<span class="quiet">{}</span>').format(words) if run.get("isSubtle") else words
