"""Every kind of message, none can escape: it renders in full, has text and HTML, is small and fetches nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from accounts.models import User
from nudges import restraint_mail, words
from nudges.handovers import GoalLine, HandoverStory
from nudges.models import Restraint
from nudges.stories import AnswerTold, Crumb, HowTo, Since, Story, _how
from nudges.trouble import Line
from program import wording
from program.models import Playbook, Program
from tests.conftest import ROOT

TEMPLATES = ROOT / "templates" / "nudges"
KINDS = sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir())
TODAY = date(2026, 11, 23)
EXPERT = None


def crumb(item="lib/webhooks.py", closes=0.58, **changes):
    made = Crumb(
        item=item, short=item.rsplit("/", 1)[-1], size="38 to do", closes=closes,
        closes_words="" if closes is None else wording.share(closes), trend="grew",
        link=f"https://example.com/{item}", check=f"mypy {item}",
    )  # fmt: skip
    return replace(made, **changes)


def story(**changes):
    program = Program(
        key="typing", name="Every function <typed>", purpose="Fewer type errors & safer refactoring",
        start=date(2026, 1, 1), end=date(2026, 12, 31), review_every="6 weeks",
    )  # fmt: skip
    made = Story(
        tone="behind", status="behind", shape="▲", team="Api <b>", team_key="api", metric="Typed & checked",
        program=program, because={"leads": "Api <b>", "team": "Api <b>", "own": True},
        scorecard="https://quality.example.com/teams/api/",
        page="https://quality.example.com/teams/api/goals/typing/typed/", value="45 %", expected="51 %", target="90 %",
        gap="6 points", as_of=date(2026, 11, 20), start=date(2026, 1, 1), due=date(2026, 12, 31),
        forecast=date(2027, 2, 14),
        crumbs=[crumb(), crumb("api/views.py", 0.84), crumb("lib/signing.py", 1.0, trend="new")],
        more=0, closing=3, since=Since("16 Nov", change="+1 point", better=True, new=["lib/signing.py"], gone=["a.py"]),
        how=HowTo(["Run <it>", "Fix it"], "https://example.com/golden", "mypy lib/webhooks.py", EXPERT),
        goals=5, short=2, severity=0.1,
        answer="https://quality.example.com/answer/token/",
        answers=[("on it", "https://quality.example.com/answer/token/on-it/"),
                 ("done", "https://quality.example.com/answer/token/done/")],
    )  # fmt: skip
    return replace(made, **changes)


def answer(**changes):
    made = AnswerTold(
        by="Alice <b>", own=True, kind="on it", until=date(2026, 11, 23), text="after the & freeze",
        day=date(2026, 11, 9),
    )  # fmt: skip
    return replace(made, **changes)


ASKED = {
    "on it": story(tone="the day of your answer", answered=answer()),
    "blocked": story(tone="the day of your answer", answered=answer(kind="blocked", own=False)),
    "overdue": story(tone="the day of your answer", status="overdue", answered=answer(text=""), since=None),
}


# One of each: whatever branch a template has, one of these goes through it.
TOLD = {
    "behind": story(),
    "at risk": story(tone="at risk", status="at risk", forecast=date(2026, 12, 20)),
    "overdue": story(tone="overdue", status="overdue", due=date(2026, 10, 31), forecast=None),
    "slipped": story(tone="slipped"),
    "still": story(tone="still", since=Since("9 Nov", measured=False)),
    "ruler changed": story(since=Since("16 Nov", ruler_changed=True)),
    "no value then": story(since=Since("16 Nov")),
    "first": story(since=None),
    "alone": story(crumbs=[crumb(closes=1.0)], closing=1),
    "not enough": story(crumbs=[crumb(closes=0.3)], closing=0),
    "no contributions": story(crumbs=[crumb(closes=None, size="", trend="")], closing=0),
    "whole team": story(crumbs=[crumb("whole team", 1.0)], closing=1),
    "no trail": story(crumbs=[], closing=0),
    "many": story(crumbs=[crumb(f"{n}.py", n / 5) for n in range(1, 6)], more=36, closing=41),
    "many changes": story(since=Since("16 Nov", change="no change", new=list("abcdef"), gone=list("ghijkl"))),
    "no playbook": story(how=HowTo([], "", "", None)),
    "long playbook": story(
        how=HowTo(
            ["One", "Two"], "https://example.com/golden", "mypy lib/webhooks.py", User(email="tess@example.com"),
            hours="Tue 14-15", takes="about 2 h an item",
            whole="https://quality.example.com/metrics/typed/#playbook",
        )
    ),
    "effort only": story(how=HowTo([], "", "", None, takes="about 30 min an item")),
    "as above": story(see=1),
    "taken": story(crumbs=[crumb(by="Bob <typed>", by_since=date(2026, 11, 18)), crumb("b.py", 0.9, by="you", by_since=TODAY)]),
    "heard next": story(hears="Gina <typed>", hears_on=date(2026, 11, 30)),
    "heard next, overdue": story(tone="overdue", status="overdue", hears="Gina", hears_on=date(2026, 11, 30)),
    "heard after a third": story(hears="Gina <typed>"),
    "heard": story(tone="still", heard="Gina <typed>", heard_on=date(2026, 11, 9)),
    "answered before": story(answered=answer()),
    "said done by another": story(answered=answer(kind="done", until=None, text="", own=False)),
    "long": story(metric="M" * 200, team="T" * 200, crumbs=[crumb("very/" * 60 + "long.py")]),
}  # fmt: skip
NEW = {
    "ordinary": story(tone="new goal"),
    "no target yet": story(tone="new goal", target="no value", due=None),
    "upcoming": story(tone="new goal", status="upcoming", start=date(2027, 1, 1)),
    "upcoming without data": story(tone="new goal", status="upcoming", start=date(2027, 1, 1), value="no value"),
    "met": story(tone="new goal", status="met"),
    "no data": story(tone="new goal", status="no data", value="no value", expected="no value"),
}
THANKS = {"met": story(status="met"), "back": story(status="on track")}


ENDING = {
    status: story(
        tone="exemption ending", status=status, shape=wording.status_shape(status), exempt_until=date(2026, 12, 1),
        exempt_why="frozen by agreement",
    )
    for status in ("overdue", "behind", "at risk", "on track", "met", "no data", "stale", "upcoming")
}  # fmt: skip


def handover(**changes):
    lines = [
        GoalLine("Typed & checked", "Typing", "behind", "▲", "45 %, should be 51 % today, target 90 % by 31 Dec 2026",
                 ["55 % by 31 Jan 2027 was proposed and waits for an answer"]),
        GoalLine("Covered <lines>", "Coverage", "exempt", "–", "81 %", ["exempt until 1 Dec 2026: frozen by agreement"]),
        GoalLine("Findings", "Safety", "no data", "◌", "", []),
    ]  # fmt: skip
    made = HandoverStory(
        team="Api <b>", led_by="Wanda <b>", scorecard="https://quality.example.com/teams/api/", goals=lines, more=0,
        count=3, short=1, taken=[{"item": "lib/webhooks.py", "by": "Bob", "metric_name": "Typed"}], more_taken=0,
        disputes=[{"metric_name": "Typed", "text": "counts & generated files"}], more_disputes=0,
        because={"leads": "Api <b>", "team": "Api <b>", "own": True},
    )  # fmt: skip
    return replace(made, **changes)


HANDED = {
    "whole": handover(),
    "bare": handover(led_by="", taken=[], disputes=[]),
    "none short": handover(short=0),
    "two short": handover(short=2),
    "one goal": handover(count=1, goals=handover().goals[:1], short=1),
    "many": handover(more=12, count=15, more_taken=3, more_disputes=4),
    "no goals that may be seen": handover(goals=[], count=0, short=0, taken=[], disputes=[]),
}


def below(**changes):
    why = {"leads": "Core", "team": "Api <b>", "own": False, "hears": True}
    return story(because=why, **{"off_for": "7 weeks", "lead": "its lead, Al <typed>,", "times": 3, **changes})


HEARD = {
    "ordinary": below(),
    "overdue, of who is no lead": below(status="overdue", lead="Bob", times=4, off_for="1 day"),
    "long": below(metric="M" * 200, lead="L" * 200),
}


def took(**changes):
    why = {"took": "lib/webhooks.py", "team": "Api <b>", "own": False}
    known = {"took": "lib/webhooks.py", "took_on": date(2026, 10, 19), "took_size": "38 to do"}
    return story(because=why, **{**known, **changes})


TAKEN = {
    "ordinary": took(),
    "overdue, closed by nothing known": took(status="overdue", took_size=""),
    "long": took(metric="M" * 200, took="i" * 300),
}


def digest(told=(), new=(), thanks=(), ending=(), handed=(), heard=(), asked=(), taken=(), **changes):
    every = [*told, *new, *thanks, *ending, *handed, *heard, *asked, *taken]
    context = {
        "today": TODAY,
        "person": None,
        "told": list(told)[:5],
        "told_briefly": list(told)[5:],
        "asked_again": list(asked),
        "taken": list(taken),
        "new_goals": list(new),
        "new_by_metric": [list(new)] if new else [],
        "thanks": list(thanks),
        "heard": list(heard),
        "ending": list(ending),
        "handed": list(handed),
        "teams": sorted({s.team for s in every}),
        "because": [s.because for s in every[:1]],
        "scorecards": {s.team: s.scorecard for s in every},
        "next_day": date(2026, 12, 7),
        "sponsors": [],
        "stop_program": []
        if not (told or new or thanks or ending or heard or asked or taken)
        else [(story().program, "https://quality.example.com/unsubscribe/x/")],
        "stop_all": "https://quality.example.com/unsubscribe/y/",
        "notes": [],
        "useful": {"yes": "https://quality.example.com/vote/x/yes/", "no": "https://quality.example.com/vote/x/no/"},
        "instead": None,
        "goals": 5,
        "short": 2,
    }
    return context | changes


def trouble(number: int, more: int = 0, people: int = 0, **changes):
    program = story().program
    line = Line(
        "The feed Reports <typed> of the build is failing since 16 Mar 2026",
        "line 2: a count is a whole number. Nudges about Lines covered rest until it brings its numbers again.",
        "https://quality.example.com/feeds/ci/", program,
    )  # fmt: skip
    return {
        "person": None, "today": TODAY, "lines": [replace(line, **changes)] * number, "more": more,
        "programs": [program.name], "numbers": number - people, "people": people,
    }  # fmt: skip


def link(name="Ann <typed>", **changes):
    context = {
        "person": User(email="ann@example.com", name=name), "by": User(email="zoe@example.com", name="Zoë & <typed>"),
        "address": f"https://quality.example.com/set-password/{'x' * 43}/", "until": datetime(2026, 3, 23, 9, 30),
        "single_sign_on": "", "site": "https://quality.example.com",
    }  # fmt: skip
    return context | changes


def changed(what, by=None):
    return {
        "person": User(email="ann@example.com", name="Ann <typed>"), "what": what, "by": by,
        "at": datetime(2026, 3, 16, 9, 30), "site": "https://quality.example.com",
    }  # fmt: skip


def slow(state, **seen):
    row = Restraint(
        program=story().program, tone="still", state=state, since=TODAY,
        evidence={"votes": 0, "useful": 0, "said": 0, "people": 0, "followed": 0} | seen,
    )  # fmt: skip
    return restraint_mail.context(row, User(email="tess@example.com", name="Tess"), datetime(2026, 11, 23, 10))


CONTEXTS = {
    "restraint": {
        "slowed": slow("slowed", found="of little use", votes=14, useful=4),
        "stopped": slow("stopped", found="ignored by most", said=40, people=9, followed=0),
    },
    "invitation": {
        "by somebody": link(),
        "by nobody": link(by=None),
        "single sign-on": link(single_sign_on="Acme & <typed>"),
        "long": link(by=User(email="z@example.com", name="Z" * 200), single_sign_on="S" * 200),
    },
    "place-test": {"ordinary": {"person": User(email="z@example.com")}},
    "password-reset": {"ordinary": link(by=None), "no name": link(name="", by=None)},
    "sign-in-changed": {
        "password": changed("password"),
        "second factor": changed("second factor"),
        "removed": changed("factor removed"),
        "removed by somebody": changed("factor removed", User(email="zoe@example.com", name="Zoë <typed>")),
    },
    "trouble": {
        "one": trouble(1),
        "several": trouble(3),
        "many": trouble(12, more=5),
        "people only": trouble(2, people=2),
        "numbers and people": trouble(3, people=1),
        "long": trouble(2, about="because " * 80, what="W" * 200),
    },
    "digest": {
        **{f"told: {name}": digest([s]) for name, s in TOLD.items()},
        **{f"only one short: {name}": digest([s], short=1) for name, s in TOLD.items()},
        **{f"second: {name}": digest([TOLD["behind"], s]) for name, s in TOLD.items()},
        **{f"new: {name}": digest(new=[s]) for name, s in NEW.items()},
        "new: several": digest(new=list(NEW.values())),
        **{f"thanks: {name}": digest(thanks=[s]) for name, s in THANKS.items()},
        "thanks: several": digest(thanks=list(THANKS.values())),
        **{f"ending: {name}": digest(ending=[s]) for name, s in ENDING.items()},
        "ending: several": digest(ending=list(ENDING.values())),
        **{f"from below: {name}": digest(heard=[s]) for name, s in HEARD.items()},
        **{f"an item you took: {name}": digest(taken=[s]) for name, s in TAKEN.items()},
        "items you took, and told": digest([story()], taken=list(TAKEN.values())),
        "from below: several": digest(heard=list(HEARD.values())),
        "from below, and told": digest([story()], heard=list(HEARD.values())),
        "with notes": digest(
            [story()],
            notes=[
                Program(name="Every function <typed>", nudge_note="Ask in #typing.\n\nOffice <typed> hours & more"),
                Program(name="Docs", nudge_note="n" * 500),
            ],
        ),
        **{f"handed over: {name}": digest(handed=[h]) for name, h in HANDED.items()},
        "handed over: two": digest(handed=[handover(), handover(team="Web")]),
        "handed over, and told": digest([story()], handed=[handover()]),
        "why: two teams": digest(
            new=[
                story(why="It broke twice", asked_of="Api alone"),
                story(team="Web", why="It is next.", chosen="below 5"),
            ]
        ),
        "everything": digest(
            list(TOLD.values()),
            list(NEW.values()),
            list(THANKS.values()),
            list(ENDING.values()),
            list(HANDED.values()),
            list(HEARD.values()),
            list(ASKED.values()),
        ),
        **{f"asked again: {name}": digest(asked=[s]) for name, s in ASKED.items()},
        "asked again: several": digest(asked=list(ASKED.values())),
        "many teams": digest([replace(TOLD["behind"], team=f"Team {n}") for n in range(8)]),
        "in place of": digest(
            [story()],
            because=[
                {"leads": "Engineering", "team": "Api", "own": False, "instead": "Alice", "instead_why": "away"},
                {"leads": "Engineering", "team": "Web", "own": False, "instead": "Wanda", "instead_why": "not active"},
                {"leads": "Engineering", "team": "Ops", "own": False},
                {"leads": "Core", "team": "Core", "own": True},
                {
                    "leads": "Web",
                    "team": "Web",
                    "own": False,
                    "stands_in_for": "Wanda",
                    "away_until": date(2026, 12, 4),
                },
                {"leads": "Ops", "team": "Ops", "own": False, "stands_in_for": "Otto", "away_until": None},
                {"leads": "Core", "team": "Core two", "own": False, "hears": True},
            ],
        ),
        "no next day": digest([story()], next_day=None),
        "many goals": digest([replace(TOLD["many"], metric=f"Metric {n}") for n in range(40)]),
    },
}
CASES = [(kind, name) for kind in KINDS for name in CONTEXTS.get(kind, {"missing": {}})]


class Reader(HTMLParser):
    """Collects what a mail program would see and fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_every_kind_has_contexts_here():
    assert set(KINDS) == set(CONTEXTS)
    assert KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_three_parts(kind):
    assert {path.name for path in (TEMPLATES / kind).iterdir()} - {"card.txt"} == {
        "subject.txt",
        "body.txt",
        "body.html",
    }


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_it_renders_whole_small_and_without_fetching(kind, name, settings):
    subject, text, html = words.fill(kind, CONTEXTS[kind][name])
    assert subject.strip()
    assert "\n" not in subject
    assert text.strip()
    for part in (subject, text):
        assert "None" not in part
        assert "<function" not in part
        assert "&amp;" not in part
    assert len(html.encode()) < 100_000
    assert len(text.encode()) < 100_000
    reader = Reader()
    reader.feed(html)
    assert "None" not in " ".join(reader.text)
    for tag, attributes in reader.tags:
        assert tag not in {"img", "script", "iframe", "object", "embed", "form", "link", "video", "audio", "svg"}
        assert not any(name.startswith("on") for name in attributes)
        if "href" in attributes:
            assert str(attributes["href"]).startswith(("https://", "http://", "mailto:"))
    assert not re.search(r"url\(|@import|src=", html)
    # What a person wrote shows as they wrote it.
    if name != "long":
        assert "<typed>" not in html.replace("&lt;typed&gt;", "")
        assert "Api <b>" not in html


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_the_text_part_is_at_most_78_columns_but_for_what_cannot_be_broken(kind, name):
    _, text, _ = words.fill(kind, CONTEXTS[kind][name])
    for line in text.splitlines():
        assert len(line) <= 78 or len(line.split()) <= 2 or max(len(word) for word in line.split()) > 50, line
        assert line == line.rstrip()
    assert "\n\n\n" not in text


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_no_sentence_has_holes(kind, name):
    for part in words.fill(kind, CONTEXTS[kind][name])[:2]:
        assert not re.search(r"\(\)|  [.,;]| [.,;] |\.\.|;\s*;|: *;", part), part


def test_a_name_that_the_context_lacks_is_an_error():
    from jinja2 import UndefinedError

    context = digest([story()])
    del context["next_day"]
    with pytest.raises(UndefinedError):
        words.fill("digest", context)


def test_the_html_carries_dark_mode_and_its_style_is_inline():
    _, _, html = words.fill("digest", digest([story()]))
    assert "prefers-color-scheme: dark" in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert re.search(r'<h1 style="[^"]*font-size', html)


# What it says, word for word


def said(*args, **kwargs):
    subject, text, _ = words.fill("digest", digest(*args, **kwargs))
    return subject, " ".join(text.split())


def plain(**changes):
    return story(team="Api", metric="Typed functions", because={"leads": "Api", "team": "Api", "own": True}, **changes)


@dataclass
class Sponsor:
    pk: int

    def __str__(self):
        return f"Sponsor {self.pk}"


def test_the_first_line_says_it_all():
    subject, text = said([plain()])
    assert subject == "Api: Typed functions is 6 points behind; webhooks.py is the one to fix"
    assert text.startswith(
        "Api is 6 points behind its path on Typed functions. "
        "3 items close the gap; lib/webhooks.py alone closes 58 % of it."
    )
    assert "45 % on 20 Nov, should be 51 % today; target 90 % by 31 Dec" in text
    assert "at the present pace it gets there on 14 Feb 2027, 7 weeks late" in text
    assert "You get this because you lead Api." in text
    assert (
        "The next one comes on Mon 7 Dec at the earliest, if something still needs you then; sooner only with news."
        in text
    )


def test_the_subject_counts_what_the_mail_speaks_of():
    two = [plain(), plain(team_key="api")]
    assert said(two)[0] == "Api: 2 of 5 goals off the path; webhooks.py is the one to fix"
    assert said(two, short=3)[0] == "Api: 2 goals off the path; webhooks.py is the one to fix"


@pytest.mark.parametrize(
    ("changes", "subject", "first"),
    [
        (
            {"tone": "overdue", "status": "overdue", "due": date(2026, 10, 31)},
            "Api: Typed functions is overdue, 6 points short; webhooks.py is the one to fix",
            "Api is 6 points short of its target on Typed functions, which was due on 31 Oct 2026.",
        ),
        (
            {"tone": "slipped"},
            "Api: Typed functions is 6 points behind; webhooks.py is the one to fix",
            "Api slipped off its path on Typed functions: it is 6 points behind.",
        ),
        (
            {"tone": "still", "crumbs": [crumb(closes=0.2)]},
            "Api: Typed functions is 6 points behind; start with webhooks.py",
            "Api is still 6 points behind its path on Typed functions.",
        ),
        (
            {"crumbs": []},
            "Api: Typed functions is 6 points behind",
            "Api is 6 points behind its path on Typed functions.",
        ),
    ],
)
def test_each_tone_has_its_words(changes, subject, first):
    told = said([plain(**changes)], short=1)
    assert told[0] == subject
    assert told[1].startswith(first)


def test_at_risk_says_that_the_pace_is_enough():
    assert said([plain(tone="at risk", status="at risk")])[1].startswith(
        "Api is 6 points behind its path on Typed functions, though at its present pace it still gets there in time."
    )


def test_who_hears_next_is_told_exactly():
    def end(*told):
        return said(list(told))[1].partition("with news. ")[2].partition(" Was this mail useful")[0]

    assert end(plain()) == "Nobody gets a copy of this mail."
    assert end(plain(hears="Gina"), replace(plain(hears="Gina"), team="Web")) == (
        "Nobody gets a copy of this mail; after a third one in a row about a goal, Gina hears of it."
    )
    assert end(plain(hears="Gina", hears_on=date(2026, 11, 30)), plain(hears="Otto")) == (
        "If Api is still off its path on Typed functions on Mon 30 Nov, Gina hears of it. "
        "Nobody gets a copy of this mail; after a third one in a row about a goal, Otto hears of it."
    )
    assert end(plain(status="overdue", tone="overdue", hears="Gina", hears_on=date(2026, 11, 30))).startswith(
        "If Api is still overdue on Typed functions on Mon 30 Nov, Gina hears of it. "
    )
    assert end(plain(heard="Gina", heard_on=date(2026, 11, 9))) == (
        "Gina heard of Typed functions in Api on 9 Nov. Nobody gets a copy of this mail."
    )


def test_what_a_leader_hears_is_one_line():
    subject, text = said(heard=[below(team="Api", metric="Typed functions", lead="its lead, Alice,")])
    assert subject == "Api: Typed functions is off its path for 7 weeks"
    assert text.startswith(
        "Api has been off its path on Typed functions for 7 weeks, by 6 points now; its lead, Alice, was told 3 times. "
        "From the teams below you. What helps most is to clear what stands in their way: page: https://quality.example.com/teams/api/goals/typing/typed/"
    )


def test_what_a_leader_hears_of_several_is_summed_up_first():
    two = [below(team="Api", metric="Typed functions", lead="Alice"), below(team="Web", metric="Docs", lead="Wanda")]
    subject, text = said(heard=two)
    assert subject == "Api and Web: 2 goals off the path for weeks"
    assert text.startswith("Api and Web have been off the path for weeks on 2 goals, though the leads were told. From")
    assert "Api has been off its path on Typed functions for 7 weeks, by 6 points now; Alice was told 3 times." in text
    assert "on Typed functions, though" in said(heard=[replace(one, metric="Typed functions") for one in two])[1]


def test_a_pace_that_leads_nowhere_names_no_day():
    assert "at the present pace it does not get there before 2030" in said([plain(forecast=date(2030, 3, 26))])[1]
    far = said([plain(forecast=date(2136, 3, 26))])[1]
    assert "at the present pace it does not get there" in far
    assert "2136" not in far


def test_a_sponsor_of_two_programs_is_named_once():
    programs = [SimpleNamespace(name="Typed", sponsor=Sponsor(1)), SimpleNamespace(name="Docs", sponsor=Sponsor(1))]
    text = said([plain()], sponsors=[*programs, SimpleNamespace(name="Safe", sponsor=Sponsor(2))])[1]
    assert (
        "Sponsor 1 sees where every team stands at the next reviews of Typed and Docs. "
        "Sponsor 2 sees where every team stands at the next review of Safe." in text
    )


def test_a_new_goal_says_where_to_begin():
    assert "begin with lib/webhooks.py: 38 to do there" in said(new=[plain(status="behind")])[1]
    assert "begin with" not in said(new=[plain(status="met")])[1]


def test_who_took_an_item_is_asked_whether_they_are_on_it_still():
    mine = took(team="Api", metric="Typed functions")
    subject, text = said(taken=[mine])
    assert subject == "Api: are you still on lib/webhooks.py?"
    assert text.startswith(
        "You are on lib/webhooks.py of Api since 19 Oct: 38 to do there. Typed functions is 6 points behind its path. "
        "Are you still?"
    )
    assert "You get this because you took lib/webhooks.py." in text
    assert said(taken=[mine, took(team="Api", took="b.py")])[0] == "Api: are you still on 2 items?"


def test_an_item_that_somebody_took_is_not_asked_of_the_reader_again():
    taken = plain(crumbs=[crumb(by="Bob", by_since=date(2026, 11, 18))])
    subject, text = said([taken], short=1)
    assert subject == "Api: Typed functions is 6 points behind"
    assert "lib/webhooks.py alone closes 58 % of it. Bob is on it." in text
    assert "38 to do, grew Bob is on it since 18 Nov" in text


def test_news_and_thanks_have_their_words():
    assert said(new=[plain()])[0] == "Api has a new goal: Typed functions"
    assert said(thanks=[plain(status="met")])[0] == "Api: Typed functions has reached its target"
    assert said(thanks=[plain(status="on track")])[1].startswith(
        "Api is back on its path on Typed functions: 45 %, where the path asks for 51 %. Thank you."
    )


def test_the_playbooks_command_names_the_item():
    assert Playbook(verify="mypy {item}").verify_for("a.py") == "mypy a.py"
    assert "check: mypy lib/webhooks.py" in said([plain()])[1]


def test_a_long_playbook_is_told_in_part_with_a_link_to_all_of_it():
    book = Playbook(
        steps=[f"Step {n}" for n in range(1, 8)], verify="mypy {item}", office_hours="Tue 14-15", effort_hours=0.5
    )
    book.expert = User(email="tess@example.com", name="Tess")
    how = _how(book, [], "typed-functions")
    assert how.steps == [f"Step {n}" for n in range(1, 6)]
    assert how.whole == "http://127.0.0.1:8000/metrics/typed-functions/#playbook"
    assert (how.ask, how.takes) == ("Tess <tess@example.com>, Tue 14-15", "about 30 min an item")
    assert _how(Playbook(steps=["Only one"]), [], "typed-functions").whole == ""
    text = said([TOLD["long playbook"]])[1]
    assert "2. Two the whole playbook: https://quality.example.com/metrics/typed/#playbook example:" in text
    assert "takes: about 2 h an item ask: tess@example.com, Tue 14-15 page:" in text


def test_templates_use_no_other_folder():
    names = {path.name for path in Path(TEMPLATES).iterdir() if path.is_file()}
    assert names == {"_mail.html", "_sentences.txt", "_card.txt"}
