"""The heat map of a program: thousands of cells, so their HTML is joined here instead of looped in a template."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils.html import escape
from markupsafe import Markup

from program import wording
from program.models import MetricVersion
from teams.boards import Board, Cell, Row


def sorted_rows(board: Board, by: str) -> list[Row]:
    """The board's rows by a metric's key (furthest from its path first), by `worst`, or as they are, by group."""
    if by == "worst":
        return sorted(board.rows, key=lambda row: (row.worst, row.team.key))
    if by in board.versions:
        return sorted(board.rows, key=lambda row: (_far(row.cells.get(by), board.versions[by]), row.team.key))
    return list(board.rows)


def _far(cell: Cell | None, version: MetricVersion) -> float:
    """Most behind first; without a value last."""
    if cell is None or cell.value is None:
        return float("inf")
    level = cell.expected if cell.expected is not None else cell.target
    if level is None:
        return float("inf")
    return cell.value - level if version.direction == "up" else level - cell.value


def body(board: Board, rows: Sequence[Row], *, grouped: bool) -> Markup:
    """The table's rows: one a team, under its group's name where `grouped`."""
    parts: list[str] = []
    columns = [(metric, board.versions[metric.key]) for metric in board.metrics]
    heads = [(metric.key, escape(metric.key), escape(metric.name), version) for metric, version in columns]
    group: str | None = ""
    suffix = "" if board.on is None else f"?on={board.on.isoformat()}"
    for row in rows:
        if grouped and (name := row.group.name if row.group else "") != group:
            group = name
            if name:
                parts.append(f'<tr><th colspan="{len(columns) + 1}" scope="rowgroup">{escape(name)}</th></tr>')
        team, key = escape(row.team.name), escape(row.team.key)
        parts.append(f'<tr><th scope="row">{team}</th>')
        for metric_key, escaped, metric_name, version in heads:
            cell = row.cells.get(metric_key)
            parts.append("<td></td>" if cell is None else _cell(cell, version, team, key, escaped, metric_name, suffix))
        parts.append("</tr>")
    return Markup("".join(parts))  # noqa: S704 - every text above went through escape()


def _cell(cell: Cell, version: MetricVersion, team: str, key: str, metric: str, name: str, suffix: str) -> str:
    shown = wording.value(cell.value, version.unit, version.aggregation) if cell.value is not None else cell.status
    told = f"{team}, {name}: {escape(cell_sentence(cell, version))}"
    return (
        f'<td><a class="s-{cell.status.replace(" ", "-")}" aria-label="{told}"'
        f' href="/teams/{key}/{suffix}#goal-{metric}">'
        f'<span aria-hidden="true">{wording.status_shape(cell.status)}</span> {escape(shown)}</a></td>'
    )


def cell_sentence(cell: Cell, version: MetricVersion) -> str:
    """What one cell says in words."""
    unit, aggregation = version.unit, version.aggregation
    said = [wording.status(cell.status)]
    if cell.value is not None:
        said.append(wording.value(cell.value, unit, aggregation))
    if cell.expected is not None:
        said.append(f"path {wording.value(cell.expected, unit, aggregation)}")
    if cell.target is not None:
        said.append(f"target {wording.value(cell.target, unit, aggregation)}")
    if cell.gap:
        said.append(f"{wording.gap(cell.gap, unit, aggregation)} short")
    if cell.slipped:
        said.append("slipped")
    if cell.reason:
        said.append(cell.reason)
    return ", ".join(said) + "."


def table(board: Board) -> list[list[str]]:
    """The board as rows of a CSV, heading first: one line a team and metric."""
    head = ["team", "group", "metric", "status", "value", "expected", "target", "gap", "as_of", "forecast", "slipped"]
    found = [head]
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
