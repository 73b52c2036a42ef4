"""What a goal line would mean, in words and lines of a table: first a sentence, then numbers, then team by team."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from nudges.replay import FIRST_WEEKS, WEEKS, Replay, Told
from program import wording
from program.models import MetricVersion
from program.rules.numbers import reached
from program.rules.pace import DAYS_A_MONTH, Difficulty
from program.rules.status import SHORT, Status
from teams.preview import Line, Preview
from teams.renegotiating import after_the_end
from web.hardness import MEANS

SHOWN = 100
PEOPLE_SHOWN = 20
BARS = 20
ORDER = {Difficulty.UNHEARD_OF: 0, Difficulty.UNKNOWN: 1, Difficulty.STRETCH: 2, Difficulty.EASY: 3, None: 4}
SORTS = {
    "hard": "Hardest first",
    "team": "By name",
    "group": "By group",
    "now": "Farthest from the target first",
    "needs": "Most a month first",
    "own": "Slowest so far first",
}
SHOWS = {
    "": "All teams",
    "unheard of": "Unheard of",
    "stretch": "Stretch",
    "easy": "Easy",
    "met": "Already met",
    "short": "Behind on day one",
    "no data": "Nothing measured",
}


@dataclass(frozen=True)
class Row:
    """A team's line of the table, in words."""

    key: str
    team: str
    group: str
    now: str
    baseline: str
    target: str
    needs: str
    own: str
    difficulty: str
    status: str
    reason: str
    live: bool


@dataclass(frozen=True)
class Bar:
    """One bar of the teams' distribution: how many, how high of 24, from which to which value, in words."""

    teams: int
    height: int
    said: str


@dataclass(frozen=True)
class WeekBar:
    """One week of the replay: its Monday, mails, nudges, and how high of 24."""

    monday: date
    mails: int
    nudges: int
    height: int


@dataclass(frozen=True)
class Shown:
    """The whole preview as its part of a page shows it."""

    sentence: str
    told: Sequence[str]
    """what else is to be known, a sentence each"""
    hard: Sequence[tuple[str, int, str]]
    """each word, how many teams, and what it means"""
    total: str
    aged: str
    """how long ago it was measured; empty where nothing was"""
    bars: Sequence[Bar]
    ends: tuple[str, str]
    """where the bars begin and end"""
    target_at: int | None
    """the bar that the target is in"""
    spread: str
    rows: Sequence[Row]
    more: int
    """teams that are not in `rows` for want of room"""
    sort: str
    show: str
    replayed: str
    since: date
    weeks: Sequence[WeekBar]
    people: Sequence[Told]
    people_more: int


def shown(preview: Preview, replay: Replay, total: float | None, *, sort: str, show: str, every: bool) -> Shown:
    """Put a preview and its replay into words. `total` is the metric's present total."""
    version = preview.version
    lines = [line for line in preview.lines if _is_shown(line, show)]
    sort = sort if sort in SORTS else "hard"
    lines.sort(key=lambda line: _key(line, sort))
    rows = lines if every else lines[:SHOWN]
    hard = Counter(line.difficulty for line in preview.lines if line.difficulty is not None and not line.met)
    bars, ends, target_at, spread = _spread(preview)
    highest = max((week.mails for week in replay.weeks), default=0)
    return Shown(
        sentence=sentence(preview, replay),
        told=_told(preview),
        hard=[(str(word), hard[word], MEANS[word]) for word in Difficulty if hard[word]],
        total="" if total is None else wording.value(total, version.unit, version.aggregation),
        aged=wording.measured([(one.day - day).days for one in preview.lines if (day := one.outlook.as_of)]),
        bars=bars,
        ends=ends,
        target_at=target_at,
        spread=spread,
        rows=[row(line, preview.version) for line in rows],
        more=len(lines) - len(rows),
        sort=sort,
        show=show if show in SHOWS else "",
        replayed=_replayed(replay),
        since=replay.since,
        weeks=[
            WeekBar(week.monday, week.mails, week.nudges, _height(week.mails, highest))
            for week in replay.weeks
            if week.mails or week.monday >= replay.since - timedelta(days=6)
        ],
        people=[one for one in replay.people if one.mails][:PEOPLE_SHOWN],
        people_more=max(0, sum(1 for one in replay.people if one.mails) - PEOPLE_SHOWN),
    )


def sentence(preview: Preview, replay: Replay) -> str:
    """The first line: how many goals, met, behind, and mails."""
    lines = preview.lines
    if not lines:
        if preview.waiting:
            return f"No goal yet: {_waits(preview)}."
        return "No team is asked by this line: choose others."
    met = sum(line.met for line in lines)
    short = sum(line.outlook.status in SHORT for line in lines)
    said = [wording.count(len(lines), "goal"), f"{met} already met", f"{short} would be behind on day one"]
    if replay.mails:
        people = wording.count(replay.first_people, "person", "people")
        said.append(f"{wording.count(replay.first_mails, 'mail')} in the first {FIRST_WEEKS} weeks to {people}")
    else:
        said.append("no mails in half a year")
    return " · ".join(said)


def _waits(preview: Preview) -> str:
    verb = "waits" if preview.waiting == 1 else "wait"
    what = f"the wave {preview.wave.key} to open" if preview.wave else "a place under their limit of programs"
    return f"{wording.count(preview.waiting, 'team')} {verb} for {what}"


def _told(preview: Preview) -> list[str]:
    """What the sentence does not say: who waits, who is asked by another line, whose goal changes, who has no data."""
    lines, found = preview.lines, []
    if preview.waiting and lines:
        found.append(f"{_waits(preview)}.")
    if preview.taken_by_later:
        verb = "is" if preview.taken_by_later == 1 else "are"
        found.append(f"{wording.count(preview.taken_by_later, 'team')} {verb} asked by a later line, which wins.")
    live = sum(line.live for line in lines)
    if live:
        verb = "has" if live == 1 else "have"
        found.append(
            f"{live} of these teams {verb} a goal on this metric already: it would get these terms from today on, "
            "and what was judged until now stays as it was."
        )
    silent = sum(line.outlook.value is None for line in lines)
    if silent:
        found.append(f"{silent} of these teams have nothing measured yet: no path before the first measurement.")
    upcoming = sum(line.outlook.status is Status.UPCOMING for line in lines)
    if upcoming:
        day = wording.day(preview.rule.start)
        found.append(f"It starts on {day}: until then baseline and target follow the data, and nobody is behind.")
    if late := after_the_end(preview.rule.program, preview.rule.due):
        found.append(late)
    return found


def _is_shown(line: Line, show: str) -> bool:
    match show:
        case "met":
            return line.met
        case "short":
            return line.outlook.status in SHORT
        case "no data":
            return line.outlook.value is None
        case "unheard of" | "stretch" | "easy":
            return line.difficulty is not None and line.difficulty == show and not line.met
    return True


def _key(line: Line, sort: str) -> tuple[object, ...]:
    name = line.team.name.lower(), line.team.key
    match sort:
        case "team":
            return name
        case "group":
            return line.group.lower(), *name
        case "now":
            value, target = line.outlook.value, line.target
            return -abs(target - value) if value is not None and target is not None and not line.met else 1.0, *name
        case "needs":
            return -(line.needs or 0.0), *name
        case "own":
            return line.own is None, line.own or 0.0, *name
    return line.met, ORDER[line.difficulty], -(line.needs or 0.0), *name


def row(line: Line, version: MetricVersion) -> Row:
    """A team's line in words."""
    unit, kind = version.unit, version.aggregation
    return Row(
        key=line.team.key,
        team=line.team.name,
        group=line.group,
        now=wording.value(line.outlook.value, unit, kind),
        baseline="" if line.baseline is None else wording.value(line.baseline, unit, kind),
        target="" if line.target is None else wording.value(line.target, unit, kind),
        needs="nothing" if line.needs == 0 else a_month(line.needs, version),
        own=a_month(line.own, version) or "not known",
        difficulty="met" if line.met else str(line.difficulty or ""),
        status=str(line.outlook.status),
        reason=line.outlook.reason,
        live=line.live,
    )


def a_month(pace: float | None, version: MetricVersion) -> str:
    """What a value changes by in a month at a pace (positive is better): "+2 points", "−3 findings"."""
    if pace is None:
        return ""
    change = pace if version.direction == MetricVersion.Direction.UP else -pace
    return wording.change(change * DAYS_A_MONTH, version.unit, version.aggregation)


def _spread(preview: Preview) -> tuple[list[Bar], tuple[str, str], int | None, str]:
    """The teams' present values as bars, from where to where, the bar with the target, and the same in words."""
    version = preview.version
    values = sorted(line.outlook.value for line in preview.lines if line.outlook.value is not None)
    if not values:
        return [], ("", ""), None, ""
    unit, kind = version.unit, version.aggregation
    first, last = values[0], values[-1]
    if wording.is_percent(unit, kind) and first >= 0 and last <= 1:
        first, last = 0.0, 1.0
    width = (last - first) / BARS or 1.0
    counts = Counter(min(BARS - 1, int((value - first) / width)) for value in values)
    most = max(counts.values())
    bars = [
        Bar(
            counts[at],
            _height(counts[at], most),
            f"{wording.count(counts[at], 'team')} from {wording.value(first + at * width, unit, kind)} "
            f"to {wording.value(first + (at + 1) * width, unit, kind)}",
        )
        for at in range(BARS)
    ]
    target = preview.rule.target
    target_at = None
    if target is not None and first <= target <= last:
        target_at = min(BARS - 1, int((target - first) / width))
    said = [
        wording.value(one, unit, kind) for one in (values[0], values[len(values) // 2], values[-1])
    ]  # fmt: skip
    spread = f"{wording.count(len(values), 'team')} from {said[0]} to {said[2]}, the middle one at {said[1]}"
    if target is not None:
        up = version.direction == MetricVersion.Direction.UP
        there = sum(reached(value, target, up) for value in values)
        spread += f"; {there} at the target"
    ends = wording.value(first, unit, kind), wording.value(last, unit, kind)
    return bars, ends, target_at, spread


def _height(number: int, most: int) -> int:
    """Of 24; one that is there at all is seen."""
    return max(2, round(24 * number / most)) if number else 0


def _replayed(replay: Replay) -> str:
    """What the replay says, in a sentence or two."""
    if not replay.mails:
        said = f"In the {WEEKS} weeks since {wording.day(replay.since)} it would have sent nothing."
    else:
        people = wording.count(sum(1 for one in replay.people if one.mails), "person", "people")
        said = (
            f"In the {WEEKS} weeks since {wording.day(replay.since)} it would have sent "
            f"{wording.count(replay.mails, 'mail')} to {people}, with {wording.count(replay.nudges, 'nudge')} in them."
        )
    if replay.nobody:
        verb = "has" if replay.nobody == 1 else "have"
        said += f" {wording.count(replay.nobody, 'team')} {verb} nobody to tell: no lead, and none above."
    return said


HEADER = (
    "team", "group", "value", "as_of", "baseline", "target", "expected", "status", "difficulty", "needed_per_month",
    "own_per_month", "fastest_of_like_teams_per_month", "has_a_goal", "day",
)  # fmt: skip


def table(preview: Preview) -> list[list[object]]:
    """Every team, as rows of a CSV: numbers as they are."""
    found: list[list[object]] = [list(HEADER)]
    for line in preview.lines:
        out = line.outlook
        found.append([
            line.team.key, line.group, out.value, out.as_of, line.baseline, line.target, out.expected, out.status,
            "met" if line.met else line.difficulty, _monthly(line.needs), _monthly(line.own), _monthly(line.record),
            "yes" if line.live else "no", line.day,
        ])  # fmt: skip
    return found


def _monthly(pace: float | None) -> float | None:
    return None if pace is None else pace * DAYS_A_MONTH
