"""What a digest says, apart from how it looks: the one structure that Slack, Teams and webhooks lay out.

Words are in templates/nudges/digest/card.txt. A webhook gets this very structure (docs/nudges.md): add to it freely,
do not rename what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from django.conf import settings

from . import words
from .handovers import HandoverStory
from .stories import Story

FACTS = (
    "team", "metric", "status", "value", "expected", "target", "gap", "unit", "aggregation", "as_of", "due", "forecast",
)  # fmt: skip
"""Of a goal's kept facts: what a machine may want to read."""


@dataclass(frozen=True)
class Line:
    """A labelled sentence."""

    label: str
    text: str


@dataclass(frozen=True)
class Item:
    """One of a list: something to fix, or a goal told in a line."""

    name: str
    note: str = ""
    link: str = ""


@dataclass(frozen=True)
class Link:
    """A labelled address."""

    words: str
    url: str


@dataclass(frozen=True)
class Part:
    """One goal, or one piece of news."""

    kind: str
    heading: str = ""
    status: str = ""
    shape: str = ""
    says: str = ""
    lines: list[Line] = field(default_factory=list)
    items_label: str = ""
    items: list[Item] = field(default_factory=list)
    more: str = ""
    steps_label: str = ""
    steps: list[str] = field(default_factory=list)
    tools: list[Line] = field(default_factory=list)
    """how to check it, what it takes, whom to ask"""
    links: list[Link] = field(default_factory=list)
    answers_label: str = ""
    answers: list[Link] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Card:
    """A whole message: what it is about, the line that has to be enough, its parts, and what stands at its foot."""

    title: str
    first: str
    then: str = ""
    parts: list[Part] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)
    useful_label: str = ""
    useful: list[Link] = field(default_factory=list)
    stop: list[Link] = field(default_factory=list)

    def kept(self) -> dict[str, Any]:
        """As the outbox keeps it."""
        return asdict(self)


def read(kept: Mapping[str, Any]) -> Card:
    """A card as it was kept. Raises ValueError where there is none."""
    if not kept:
        raise ValueError("this kind of message has no card: it goes by e-mail only")
    parts = [
        Part(
            **{
                **part,
                "lines": [Line(**line) for line in part["lines"]],
                "tools": [Line(**line) for line in part["tools"]],
                "items": [Item(**item) for item in part["items"]],
                "links": _links(part["links"]),
                "answers": _links(part["answers"]),
            }
        )
        for part in kept["parts"]
    ]
    return Card(**{**kept, "parts": parts, "useful": _links(kept["useful"]), "stop": _links(kept["stop"])})


def _links(kept: Sequence[Mapping[str, str]]) -> list[Link]:
    return [Link(**link) for link in kept]


def shortened(card: Card, items: int, parts: int) -> Card:
    """With at most so many items and steps in each part, and so many parts; each cut says what it left out."""
    say = words.phrases("nudges/_card.txt", {"home": f"{settings.SITE_URL}/"})
    kept = [_part_shortened(part, items, say) for part in card.parts[:parts]]
    left = len(card.parts) - len(kept)
    foot = [say.parts_left_out(left), *card.foot] if left else card.foot
    return replace(card, parts=kept, foot=foot)


def _part_shortened(part: Part, most: int, say: SimpleNamespace) -> Part:
    items, steps = len(part.items) - most, len(part.steps) - most
    more = [say.items_left_out(items)] if items > 0 else []
    return replace(
        part,
        items=part.items[:most],
        more="; ".join([*more, part.more] if part.more else more),
        steps=part.steps[:most] + ([say.steps_left_out(steps)] if steps > 0 else []),
    )


# -- a digest --


def of_digest(subject: str, context: Mapping[str, Any]) -> Card:
    """The card of a digest, from what its mail's templates are filled with."""
    say = words.phrases("nudges/digest/card.txt", context)
    told, asked, heard, ending, thanks = (context[k] for k in ("told", "asked_again", "heard", "ending", "thanks"))
    opens_with = next((k for k in ("handed", "told", "asked_again", "taken", "heard") if context[k]), "")
    parts = [_handed(h, say, first=n == 0) for n, h in enumerate(context["handed"])]
    parts += [_goal(s, say, opens=opens_with == "told" and n == 0) for n, s in enumerate(told)]
    parts += [_briefly(context["told_briefly"], say)] if context["told_briefly"] else []
    parts += [_asked(s, say) for s in asked]
    parts += [_taken(context["taken"], say)] if context["taken"] else []
    parts += [_heard(heard, say)] if heard else []
    parts += [_new(group, say) for group in context["new_by_metric"]]
    parts += [_ending(s, say) for s in ending]
    rest = thanks if opens_with or context["new_goals"] or ending else thanks[1:]
    parts += [Part("back on the path", s.metric, s.status, s.shape, say.thanked(s), facts=[_facts(s)]) for s in rest]
    parts += [Part("note", say.note_of(p), says=p.nudge_note) for p in context["notes"]]
    return Card(
        title=subject,
        first=say.first(),
        then=say.then(),
        parts=parts,
        foot=[say.why_you(), say.next_one(), say.who_hears()],
        useful_label=say.was_it_useful(),
        useful=[Link(choice, url) for choice, url in context["useful"].items()],
        stop=[
            *(Link(say.stop(p), url) for p, url in context["stop_program"]),
            Link(say.stops_all(), context["stop_all"]),
        ],
    )


def _facts(story: Story) -> dict[str, Any]:
    return {"program": story.program.key} | {key: story.facts.get(key) for key in FACTS}


def _goal(s: Story, say: SimpleNamespace, *, opens: bool) -> Part:
    lines = [Line(say.now(), say.numbers(s)), Line(say.since(s), say.changed(s)), Line(say.pace(), say.pace_of(s))]
    lines += [Line(say.said(), say.answered(s))] if s.answered else []
    part = Part("goal", say.heading(s), s.status, s.shape, "" if opens else say.sentence(s), lines, facts=[_facts(s)])
    return _answerable(_with_how(_with_trail(part, s, say), s, say), s, say, [Link(say.scorecard(s.team), s.scorecard)])


def _with_trail(part: Part, s: Story, say: SimpleNamespace) -> Part:
    items = [Item(c.item, say.item_note(c, n == 0), c.link) for n, c in enumerate(s.crumbs)]
    return replace(part, items_label=say.items_next(), items=items, more=say.more(s.more) if s.more else "")


def _with_how(part: Part, s: Story, say: SimpleNamespace) -> Part:
    how = s.how
    lines = [Line(say.check(), how.check)] if how.check else []
    if s.see:
        return replace(part, steps_label=say.how(s), tools=lines)
    lines += [Line(say.takes(), how.takes)] if how.takes else []
    lines += [Line(say.ask(), how.ask)] if how.ask else []
    links = [Link(say.example(), how.example)] if how.example else []
    links += [Link(say.playbook(), how.whole)] if how.whole else []
    label = say.how(s) if how.steps else ""
    return replace(part, steps_label=label, steps=how.steps, tools=lines, links=part.links + links)


def _answerable(part: Part, s: Story, say: SimpleNamespace, links: list[Link]) -> Part:
    answers = [Link(what, url) for what, url in s.answers]
    return replace(part, links=links + part.links, answers_label=say.answer() if answers else "", answers=answers)


def _briefly(told: Sequence[Story], say: SimpleNamespace) -> Part:
    items = [Item(say.sentence(s), "", s.scorecard) for s in told]
    return Part("goals", say.briefly(), items=items, facts=[_facts(s) for s in told])


def _asked(s: Story, say: SimpleNamespace) -> Part:
    lines = [
        Line(say.said(), say.answered(s)), Line(say.now(), say.numbers(s)), Line(say.since(s), say.changed(s)),
    ]  # fmt: skip
    part = Part("answer due", say.heading(s), s.status, s.shape, say.asks_again(s), lines, facts=[_facts(s)])
    return _answerable(part, s, say, [Link(say.scorecard(s.team), s.scorecard)])


def _taken(taken: Sequence[Story], say: SimpleNamespace) -> Part:
    items = [Item(say.still_on(s), "", s.scorecard) for s in taken]
    return Part("items you took", say.you_took(), says=say.let_go(), items=items, facts=[_facts(s) for s in taken])


def _heard(heard: Sequence[Story], say: SimpleNamespace) -> Part:
    items = [Item(say.below(s), "", s.page) for s in heard]
    return Part("heard", say.from_below(), says=say.helps(), items=items, facts=[_facts(s) for s in heard])


def _new(group: Sequence[Story], say: SimpleNamespace) -> Part:
    first = group[0]
    whys = dict.fromkeys(why for s in group if (why := say.yours(s)))
    lines = [Line(say.why(), why) for why in whys]
    lines += [Line(say.purpose(), say.for_what(first))]
    lines += [Line(say.asked() if len(group) == 1 else s.team, say.asks(s)) for s in group]
    links = [Link(say.goal_page(s), s.page) for s in group]
    part = Part("new goal", say.new_goal(group), lines=lines, facts=[_facts(s) for s in group])
    part = _with_how(part, first, say)
    return replace(part, links=links + part.links)


def _ending(s: Story, say: SimpleNamespace) -> Part:
    says = f"{say.ends(s)} {say.comes_back(s)}"
    part = Part("exemption ending", say.heading(s), say.would_be(s), s.shape, says, facts=[_facts(s)])
    part = replace(part, lines=[Line(say.why(), say.rests(s))])
    if s.status in ("overdue", "behind", "at risk"):
        part = _with_how(_with_trail(part, s, say), s, say)
    return replace(part, links=[Link(say.goal_page(s), s.page), *part.links])


def _handed(h: HandoverStory, say: SimpleNamespace, *, first: bool) -> Part:
    items = []
    for goal in h.goals:
        numbers = [goal.numbers] if goal.numbers else []
        items.append(Item(f"{goal.metric}, {goal.status}", "; ".join([*numbers, *goal.open])))
    lines = [Line(say.taken_by_others(), say.taken_by(t)) for t in h.taken]
    lines += [Line(say.disputed(), say.disputed_as(d)) for d in h.disputes]
    says = "" if first else say.hands_over(h)
    links = [Link(say.scorecard(h.team), h.scorecard)]
    more = say.more(h.more) if h.more else ""
    return Part("handover", h.team, says=says, lines=lines, items=items, more=more, links=links)
