"""The heat map of a program: thousands of cells, so their HTML is joined here instead of looped in a template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache

from markupsafe import Markup, escape

from program import wording
from program.models import MetricVersion
from teams.boards import Board, Cell, Row
from teams.goal_words import anchor

Word = Callable[[float], str]


def sorted_rows(board: Board, by: str) -> list[Row]:
    """The board's rows by a metric's key (furthest from its path first), by `worst`, by `team`, or by group.

    A minus before it turns the order of a metric round; teams without a value stay last.
    """
    key, back = by.removeprefix("-"), by.startswith("-")
    if key == "worst":
        return sorted(board.rows, key=lambda row: (row.worst, row.team.name.casefold(), row.team.key))
    if key == "team":
        return sorted(board.rows, key=lambda row: (row.team.name.casefold(), row.team.key), reverse=back)
    if key in board.versions:
        version = board.versions[key]

        def place(row: Row) -> tuple[bool, float, str]:
            far = _far(row.cells.get(key), version)
            return far is None, 0.0 if far is None else -far if back else far, row.team.key

        return sorted(board.rows, key=place)
    return list(board.rows)


def is_grouped(board: Board, by: str) -> bool:
    """Whether this order keeps groups together."""
    key = by.removeprefix("-")
    return key not in ("worst", "team") and key not in board.versions


def _far(cell: Cell | None, version: MetricVersion) -> float | None:
    """How far from its path, behind is negative; None without a value or a path."""
    if cell is None or cell.value is None:
        return None
    level = cell.expected if cell.expected is not None else cell.target
    if level is None:
        return None
    return cell.value - level if version.direction == "up" else level - cell.value


def body(board: Board, rows: Sequence[Row], *, grouped: bool, today: date) -> Markup:
    """The table's rows: one a team, under its group's name where `grouped`. Cells lead to the scorecards."""
    columns = [
        (
            metric.key,
            f"#{escape(anchor(metric.key, board.program.key))}",
            escape(metric.name),
            _Words(board, metric.key),
        )
        for metric in board.metrics
    ]
    suffix = "" if board.on == today else f"?on={board.on.isoformat()}"
    parts: list[str] = []
    group: str | None = None
    for row in rows:
        if grouped and (name := row.group.name if row.group else "") != group:
            group = name
            if name:
                led = f'<a href="/groups/{escape(row.group.key if row.group else "")}/">{escape(name)}</a>'
                parts.append(f'<tr><th colspan="{len(columns) + 1}" scope="rowgroup">{led}</th></tr>')
        team, link = escape(row.team.name), f"/teams/{escape(row.team.key)}/{suffix}"
        parts.append(f'<tr><th scope="row"><a href="{link}">{team}</a></th>')
        for key, goal, metric_name, words in columns:
            cell = row.cells.get(key)
            if cell is None:
                parts.append("<td></td>")
                continue
            look, shape = LOOKS[cell.status]
            shown = words.value(cell.value) if cell.value is not None else cell.status
            parts.append(
                f'<td><a class="{look}" aria-label="{team}, {metric_name}: {words.told(cell)}" href="{link}{goal}">'
                f"<i>{shape}</i> {shown}</a></td>"
            )
        parts.append("</tr>")
    return Markup("".join(parts))  # noqa: S704 - names, units and reasons went through escape()


LOOKS = {word: (f"s-{word.replace(' ', '-')}", shape) for word, shape in wording.STATUS_SHAPES.items()}
"""Class and shape of each status."""


class _Words:
    """Says the cells of one metric; what was said before is not worked out again."""

    def __init__(self, board: Board, metric: str) -> None:
        version = board.versions[metric]
        unit, aggregation = version.unit, version.aggregation
        self.on = board.on
        # Numbers need no escaping, so that most units spare thousands of cells the look.
        plain: Callable[[str], str] = str if str(escape(unit)) == unit else lambda words: str(escape(words))
        self.value: Word = cache(lambda number: plain(wording.value(number, unit, aggregation)))
        self.gap: Word = cache(lambda number: plain(wording.gap(number, unit, aggregation)))
        self.day: Callable[[date], str] = cache(lambda day: wording.near_day(day, self.on))
        self.apart = cache(
            lambda one, other: tuple(str(escape(word)) for word in wording.apart(one, other, unit, aggregation))
        )

    def told(self, cell: Cell) -> str:
        """What one cell says in words, escaped: "Behind, 41 %, path 52 %, target 90 %, as of 1 Mar"."""
        status, value, expected, target, gap, as_of, _, slipped, _, reason, *_ = cell
        said = wording.status(status)
        if value is not None:
            shown, path = self.value(value), "" if expected is None else self.value(expected)
            if shown == path:
                shown, path = self.apart(value, expected)
            said += f", {shown}, path {path}" if path else f", {shown}"
        if target is not None:
            said += f", target {self.value(target)}"
        if gap:
            said += f", {self.gap(gap)} short"
        if slipped:
            said += ", slipped"
        if reason:
            said += f", {escape(reason)}"
        return f"{said}, as of {self.day(as_of)}." if as_of is not None else f"{said}."


HEAD = ["team", "group", "metric", "status", "value", "expected", "target", "gap", "as_of", "forecast", "slipped"]


def table(board: Board) -> list[list[str]]:
    """The board as rows of a CSV, heading first: one line a team and metric."""
    found = [HEAD]
    for row in board.rows:
        for metric in board.metrics:
            cell = row.cells.get(metric.key)
            if cell is not None:
                numbers = (cell.value, cell.expected, cell.target, cell.gap)
                found.append(
                    [
                        safe(row.team.key),
                        safe(row.group.key if row.group else ""),
                        safe(metric.key),
                        cell.status,
                        *("" if number is None else repr(number) for number in numbers),
                        _iso(cell.as_of),
                        _iso(cell.forecast),
                        "yes" if cell.slipped else "no",
                    ]
                )
    return found


def safe(text: str) -> str:
    """A CSV cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
