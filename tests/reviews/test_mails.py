"""Every mail of reviews and the brief as part of a page: whole, safe, small, fetching nothing; no kind escapes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.template.loader import get_template
from jinja2 import UndefinedError

from accounts.models import User
from program.models import Program
from reviews import priorities, pulse, pulse_asking, sources, sponsorship, surprises, wanted, words
from reviews.content import Content, Count, EffectLine, GoalLine, LeaderAsk, MetricLine, PastAsk, Surprise, read
from reviews.handover import Handover, OpenAsk
from reviews.models import Priority, Pulse, Review, Sponsorship
from tests.conftest import ROOT

EVIL = "<script>alert(1)</script>"
PROGRAM = Program(pk=7, key="typing", name=f"Typed & checked {EVIL}")
REVIEW = Review(
    pk=12, program=PROGRAM, period="2026-04-14", starts_at=datetime(2026, 4, 14, 7, tzinfo=UTC), minutes=30,
    zone="Europe/Riga", uid="review-1",
)  # fmt: skip

MOVED = Review(
    pk=12, program=PROGRAM, period="2026-04-14", starts_at=datetime(2026, 4, 14, 7, tzinfo=UTC), minutes=30,
    zone="Europe/Riga", uid="review-1", why=f"Sam is away {EVIL}",
)  # fmt: skip


def metric(**changes) -> MetricLine:
    made = MetricLine(
        key="typed", name=f"Typed {EVIL}", where="Typed is at 12 %, 21 points behind its path", value="12 %",
        as_of="1 Mar", then="11 %", change="+1 point", expected="33 %", gap="21 points", short=True, target="90 %",
        due="31 Dec", numbers={"value": 0.12},
    )  # fmt: skip
    return replace(made, **changes)


def goal(**changes) -> GoalLine:
    made = GoalLine(
        team=f"Api {EVIL}", team_key="api", metric="Typed", status="behind", shape="▲", value="12 %", expected="33 %",
        due="", slipped=True, item=f"hc/{EVIL}.py", size="13 to do", link="/teams/api/goals/typing/typed/",
    )  # fmt: skip
    return replace(made, **changes)


FULL = Content(
    program=PROGRAM.name, program_key="typing", sponsor="Sam", period="2026-04-14",
    when="Tue 14 Apr 2026, 10:00 (Europe/Riga)", minutes=30, on="2026-04-09", on_words="9 Apr 2026",
    since="the last brief (26 Feb)", headline=f"Typed is at 12 %, 21 points behind its path; {EVIL}.",
    subject=f"Typed: 21 points\r\nBcc: x@evil.example {EVIL}", asked="Of 1 ask: 1 kept.",
    past_asks=[PastAsk(f"Free bob {EVIL}", "Gina", "9 Apr", "kept", f"Done {EVIL}", pk=7), PastAsk("More", "", "", "open", "")],
    verdict="Typed went from 11 % to 12 %.", effect="Not judged yet.",
    counts=[Count("behind", "▲", 3, 5), Count("at risk", "◮", 1, None), Count("met", "✓", 1, 1), Count("no data", "◌", 1, 1)],
    metrics=[metric(), metric(key="x", as_of="", then="", change="", expected="", gap="", short=False, target="", due="")],
    leaders=[
        LeaderAsk(f"Gina {EVIL}", "Engineering", "2 of 3 teams behind", f"Make room {EVIL}.", [goal(), goal(due="1 Mar", status="overdue", item="", size="")], 4, group_links=[["eng", "Engineering"]]),
        LeaderAsk("Nobody yet", "", "1 of 1 team behind", "Name who.", [goal(slipped=False, size="")], 0),
    ],
    more_leaders="3 more leaders with 9 goals behind.", surprises=[Surprise("slipped", f"Api slipped to 3 % {EVIL}.", "/teams/api/goals/typing/typed/", "The goal")],
    waves=["pilot (2 teams, since 1 Jan)", f"{EVIL} (1 team, done)"], nudges="3 nudges in 2 mails.",
    withheld="1 nudge withheld.", addresses=f"{EVIL} cannot be reached.", decisions=[f"Agree {EVIL}.", "Stop?"],
    recommendation="The numbers do not say yet.", question=f"Cancel it {EVIL}?", decided=[f"Two sprints {EVIL}"],
    effects=[
        EffectLine("typed", "Typed", False, "working", f"96 points more than it would have been (73 to 117) {EVIL}.", {}),
        EffectLine("slow", "Slow tests", True, "too early", "Six snapshots are needed.", {}),
    ],
    finish="12 closed and 5 new a week.", priorities=[f"You noted {EVIL}."], pulse=["9 of 14 answered.", f"“{EVIL}”"],
    cost=["120 h so far.", "12 h for one point."], health=[f"Nobody asked the teams {EVIL}."],
)  # fmt: skip
EMPTY = replace(
    FULL, since="", past_asks=[], counts=[], metrics=[], leaders=[], more_leaders="", surprises=[], waves=[], withheld="",
    addresses="", decisions=[], question="", decided=[], effects=[], finish="", priorities=[], pulse=[], cost=[],
    health=[], subject="Typed: nothing is measured yet",
)  # fmt: skip


FAREWELL = {
    "program": PROGRAM, "word": "canceled", "day": "16 Mar 2026", "why": f"It stalled {EVIL}.\n\nAsk first.",
    "goals": "3 goals of 2 teams", "gains": [f"Typed {EVIL} went from 10 % to 65 %."], "items": "1 item", "guard": None,
    "link": "https://quality.example.com/programs/typing/", "site": "https://quality.example.com",
    "because": "You get this because you lead Api.",
}  # fmt: skip
WIDE = replace(FULL, metrics=[metric(key=f"m{n}", name=f"Metric {n}") for n in range(12)])


def of(kind: str, **more) -> tuple[str, str, str]:
    because = "You get this because you sponsor it."
    link = "https://quality.example.com/invited/x/"
    context = words.of_review(REVIEW) | {"because": because, "answer": link, "out": False} | more
    return words.fill(kind, context)


ASK = {
    "text": f"Free bob for a week {EVIL}", "short": f"Free bob {EVIL}", "due": "Thu 30 Apr", "helps": f"Api {EVIL}",
    "reply": "https://quality.example.com/asked/x/", "page": "https://quality.example.com/asks/1/",
    "said": f"You said: the freeze {EVIL}",
}  # fmt: skip
BARE = ASK | {"due": "", "helps": "", "said": ""}
FULL_MINUTES = {
    "headline": "2 decisions and 1 ask: Typed.", "there": [f"Sam {EVIL}", "Tess"], "missing": ["Pam"],
    "decisions": [f"Go on {EVIL}", "Stop"], "asks": [(f"Free bob {EVIL}", f"Gina {EVIL}, by 30 Apr")],
    "notes": [f"- {EVIL}", "", "two"], "cut": True, "page": "https://quality.example.com/reviews/12/minutes/",
}  # fmt: skip
EMPTY_MINUTES = {
    "headline": "Nothing was decided, nothing is asked of anybody: Typed.", "there": [], "missing": [],
    "decisions": [], "asks": [], "notes": [], "cut": False, "page": "",
}  # fmt: skip


def minutes_of(facts, yours=()):
    return {**facts, "yours": list(yours)}


MAILS = {
    "brief": lambda: of("brief", brief=FULL.facts()),
    "brief, empty": lambda: of("brief", brief=EMPTY.facts()),
    "brief, many metrics": lambda: of("brief", brief=WIDE.facts()),
    "minutes": lambda: of("minutes", **minutes_of(FULL_MINUTES)),
    "minutes, with asks of its reader": lambda: of("minutes", **minutes_of(FULL_MINUTES, yours=[ASK])),
    "minutes, empty": lambda: of("minutes", **minutes_of(EMPTY_MINUTES)),
    "ask": lambda: of("ask", what="asked", asker="Sam", asks=[ASK]),
    "ask, of two things": lambda: of("ask", what="asked", asker="", asks=[ASK, BARE]),
    "ask, before": lambda: of("ask", what="before", asker="", asks=[ASK]),
    "ask, after": lambda: of("ask", what="after", asker="", asks=[ASK]),
    "invite": lambda: of("invite", method="REQUEST", changed=False, headline=FULL.headline),
    "invite, before a brief": lambda: of("invite", method="REQUEST", changed=False, headline=""),
    "invite, changed": lambda: of("invite", method="REQUEST", changed=True, headline=FULL.headline),
    "ended": lambda: words.fill("ended", FAREWELL),
    "invite, moved for a reason": lambda: of("invite", method="REQUEST", changed=True, headline="", review=MOVED),
    "invite, not any more": lambda: of("invite", method="CANCEL", changed=True, out=True, headline=FULL.headline),
    "invite, skipped for a reason": lambda: of("invite", method="CANCEL", changed=True, headline="", review=MOVED),
    "invite, canceled": lambda: of("invite", method="CANCEL", changed=True, headline=FULL.headline),
}


READERS = pulse.Readers(User(name=f"Sam {EVIL}"), [User(name="Tess"), User(name=f"Pam {EVIL}")])
PULSE = Pulse(pk=3, review=REVIEW, person=User(pk=5, name="Alice", email="alice@example.com"))
PRIORITY = Priority(pk=4, program=PROGRAM, text=f"Security first {EVIL}", by=User(pk=6, name=f"Sam {EVIL}"))
HANDED = Handover(
    sponsor=f"Gina {EVIL}", former=f"Sam {EVIL}", since="3 Mar", mandate=f"can move {EVIL}", purpose=f"Fewer {EVIL}",
    runs="1 Jan 2026 to 31 Dec 2026", stop_if=f"it stalls {EVIL}.", owners=[User(name=f"Tess {EVIL}", email="t@example.com")],
    where=f"Typed {EVIL}: 12 %, 21 points behind its path of 33 %.", verdict=f"Not judged yet {EVIL}.",
    asks=[OpenAsk(f"Free bob {EVIL}", f"Gina {EVIL}", "was due 9 Apr, moved from 3 Mar", True), OpenAsk("More", "", "", False)],
    more_asks=3, decisions=[f"3 Mar: Api first {EVIL}"], priorities=[f"16 Mar, Sam: “{EVIL}”"], kept="Of 2 asks: 2 kept.",
    review="The next review is on Tue 14 Apr.", brief=None, first=f"It is asked of you: {EVIL}", on="1 Mar 2026",
)  # fmt: skip
BARE_HANDOVER = replace(
    HANDED, sponsor="", former="", since="", mandate="", stop_if="", owners=[], asks=[], more_asks=0, decisions=[],
    priorities=[], kept="",
)  # fmt: skip


def handed(kind: str, content: Handover) -> tuple[str, str, str]:
    return words.fill(kind, sponsorship.of_handover(PROGRAM, Sponsorship(pk=9, program=PROGRAM), content))


MAILS |= {
    "pulse": lambda: words.fill("pulse", pulse_asking.of_pulse(PULSE, "You get this because you lead Api.", READERS)),
    "priority": lambda: words.fill("priority", priorities.of_priority(PRIORITY)),
    "handover": lambda: handed("handover", HANDED),
    "handover, bare": lambda: handed("handover", BARE_HANDOVER),
    "thanks": lambda: handed("thanks", HANDED),
    "thanks, bare": lambda: handed("thanks", BARE_HANDOVER),
}


class Seen(HTMLParser):
    """What a reader's program would fetch or run, and how the tags nest."""

    VOID = {"meta", "br", "img", "link", "hr", "input"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.stack: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def test_no_kind_escapes():
    folders = {folder.name for folder in (ROOT / "templates" / "reviews").iterdir() if folder.is_dir()}
    assert folders == {kind.name for kind in wanted.KINDS} == {name.split(",")[0] for name in MAILS}
    for folder in folders:
        files = {file.name for file in (ROOT / "templates" / "reviews" / folder).iterdir()}
        assert files == {"subject.txt", "body.txt", "body.html"}


@pytest.mark.parametrize("name", MAILS)
def test_it_is_whole_safe_and_small(name, settings):
    settings.SITE_URL = "https://quality.example.com"
    subject, text, html = MAILS[name]()
    assert subject.strip() == subject != ""
    assert "\n" not in subject
    assert "None" not in text + html
    assert all(len(line) <= 78 for line in text.splitlines() if "https://" not in line)
    assert not re.search(r"\n%|^%", text), "a number lost its unit"
    assert "\n\n\n" not in text
    seen = Seen(html)
    assert seen.stack == []
    assert not seen.tags & {"script", "img", "link", "iframe", "object", "form"}
    assert not {attribute for attribute in seen.names if attribute.startswith("on")} | (
        seen.names & {"src", "background"}
    )
    assert all(link.startswith("https://quality.example.com/") for link in seen.links)
    assert EVIL not in html
    assert "url(" not in html
    assert len(html.encode()) < 60_000
    assert 'style="' in html
    assert "prefers-color-scheme: dark" in html
    assert text.splitlines()[0] in re.sub(r"\s+", " ", text)


def test_the_first_line_is_the_headline():
    _, text, html = MAILS["brief"]()
    assert " ".join(text.split("\n\n")[0].split()) == FULL.headline
    assert "Typed is at 12&nbsp;%, 21 points behind its path" in html.split("<h1", 1)[1].split("</h1>")[0]


@pytest.mark.parametrize("length", range(62, 74))
def test_a_number_keeps_its_unit_wherever_the_line_ends(length):
    facts = FULL.facts() | {"headline": f"{'x' * length} 12 %, 21 points behind"}
    assert "12 %" in of("brief", brief=facts)[1].split("behind")[0]


def test_text_and_html_say_the_same():
    """Each figure and name of the brief is in both parts, and in the page."""
    _, text, html = MAILS["brief"]()
    page = get_template("reviews/brief.html", using="jinja2").render(
        {"brief": FULL.facts(), "corrected": {}, "pictures": {}}
    )
    plain = " ".join(text.split())
    for said in ("Make room", "13 to do", "33 %", "3 nudges in 2 mails.", "1 nudge withheld.", "pilot (2 teams, since 1 Jan)",
                 "3 more leaders with 9 goals behind.", "Agree", "The numbers do not say yet.", "+1 point", "was 5",
                 "Cancel it", "Two sprints", "96 points more than it would have been (73 to 117)", "guardrail",
                 "Six snapshots are needed.", "12 closed and 5 new a week.", "You noted", "9 of 14 answered.",
                 "120 h so far.", "12 h for one point.", "Nobody asked the teams"):  # fmt: skip
        assert said in plain
        assert said in re.sub(r"\s+", " ", html.replace("&nbsp;", " "))
        assert said in re.sub(r"\s+", " ", page.replace("\u00a0", " "))


@pytest.mark.parametrize("content", [FULL, EMPTY, WIDE])
def test_the_page_part_keeps_to_a_strict_policy(content):
    page = get_template("reviews/brief.html", using="jinja2").render(
        {"brief": content.facts(), "corrected": {}, "pictures": {}}
    )
    seen = Seen(page)
    assert seen.stack == []
    assert not seen.tags & {"html", "head", "body", "style", "script", "img", "link"}
    assert not seen.names & {"style", "src"}
    assert EVIL not in page
    assert "None" not in page
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == [
        "What became of the last asks", "Verdict", "Value against path", "Asks, by leader", "What might surprise you",
        "Rollout, nudges and cost", "Decisions wanted",
    ]  # fmt: skip


def test_a_brief_kept_by_an_older_version_is_shown_with_what_it_did_not_say_left_empty():
    facts = EMPTY.facts() | {"version": 1, "metrics": [metric().__dict__ | {}], "past_asks": [{"text": "Free bob", "of": "",
        "due": "", "state": "kept", "outcome": ""}]}  # fmt: skip
    for name in ("question", "effects", "pulse", "cost", "health", "finish", "priorities", "decided"):
        del facts[name]
    del facts["metrics"][0]["chart"]
    shown = read(facts)
    assert (shown["version"], shown["question"], shown["effects"], shown["metrics"][0]["chart"]) == (1, "", [], [])
    assert shown["past_asks"] == [facts["past_asks"][0] | {"effect": "", "pk": None}]
    _, text, html = of("brief", brief=shown)
    page = get_template("reviews/brief.html", using="jinja2").render({"brief": shown, "corrected": {}, "pictures": {}})
    assert all("Free bob" in told for told in (text, html, page))


def test_a_brief_of_many_metrics_stays_one_page():
    page = get_template("reviews/brief.html", using="jinja2").render(
        {"brief": WIDE.facts(), "corrected": {}, "pictures": {}}
    )
    _, text, html = of("brief", brief=WIDE.facts())
    for told in (page, text, html):
        assert "Metric 7" in told
        assert "Metric 8" not in told
        assert "and 4 more metrics" in told


class Blocks(HTMLParser):
    """What a page says block by block, and whether a link stands in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[list[str]] = []
        self.said: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("p", "li", "td", "ol"):
            self.open.append([tag])
        elif tag == "a":
            for block in self.open:
                block.append("\0")

    def handle_data(self, data: str) -> None:
        if self.open and "ol" not in [block[0] for block in self.open]:
            self.open[-1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "li", "td", "ol"):
            _, *parts = self.open.pop()
            self.said.append((" ".join("".join(parts).replace("\0", "").split()), "\0" in parts))


SUMMED_UP = (
    "Typed is at 12 %", "Typed went from", "Of 1 ask", "What the leads say: 9 of 14", "Numbers of 9 Apr 2026",
    "Typed & checked  · review on Tue 14 Apr", "You get this because",
)  # fmt: skip
"""Sentences that only sum up the lines below them, and days."""


def test_every_number_leads_to_where_it_came_from():
    page = get_template("reviews/brief.html", using="jinja2").render(
        {"brief": FULL.facts(), "corrected": {}, "pictures": {}}
    )
    _, text, html = of("brief", brief=FULL.facts())
    for told in (page, html):
        bare = [said.replace(EVIL, "") for said, links in Blocks(told).said if not links]
        numbers = [said for said in bare if any(mark.isdigit() for mark in said)]
        assert [said for said in numbers if not said.startswith(SUMMED_UP)] == []
    for address in ("?on=2026-04-09", "effect/", "nudges/effect", "ledger/", "reviews/"):
        assert f"/programs/typing/{address}" in text


def test_the_first_few_surprises_of_a_kind_are_told_and_the_rest_counted():
    found = [Surprise("exemption", f"x {n}") for n in range(7)] + [Surprise("slipped", f"y {n}") for n in range(5)]
    kept = surprises._one_page(found, sources.metric("x"))
    assert kept[4].link == "/metrics/x/"
    assert [one.text for one in kept] == [
        "x 0", "x 1", "x 2", "x 3", "3 more like this: see the program’s page.", "y 0", "y 1", "y 2", "y 3", "y 4",
    ]  # fmt: skip


def test_a_name_that_a_template_lacks_is_an_error():
    facts = FULL.facts()
    del facts["verdict"]
    with pytest.raises(UndefinedError):
        of("brief", brief=facts)
