"""Figures as JSON for plotly.js: the only module that imports plotly. Colors are names of tokens of the page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import plotly.graph_objects as go

from program.models import MetricVersion
from program.rules.glidepath import expected
from program.rules.status import Judgment, Terms
from program.wording import is_percent

SMALL = 1000
INK, QUIET, LINE, TRACK = "token:ink", "token:quiet", "token:line", "token:track"


def goal_figure(
    version: MetricVersion,
    terms: Terms,
    judgment: Judgment,
    series: Sequence[tuple[date, float | None]],
    changed_ruler_on: Sequence[date] = (),
    changed_terms_on: Sequence[date] = (),
    axis: tuple[date, date] | None = None,
) -> dict[str, Any]:
    """One goal: the value as a strong line, its path as a thin one, the forecast dashed to the due day.

    `axis`: the first and last day of the time axis that the charts of one page share.
    """
    traces = [_line("value", [d for d, _ in series], [v for _, v in series], INK, 2.5, markers=True)]
    path = _path_days(terms)
    if judgment.baseline is not None and judgment.target is not None:
        values = [_expected(terms, judgment.baseline, judgment.target, day) for day in path]
        traces.append(_line("path", path, values, TRACK, 1.2))
    known = [(d, v) for d, v in series if v is not None]
    if judgment.forecast and judgment.target is not None and known:
        last, value = known[-1]
        # To the due day; when that has passed, as far as the page shows.
        end = min(judgment.forecast, terms.due if terms.due > last else max(last, axis[1] if axis else last))
        span = (judgment.forecast - last).days or 1
        reached = value + (judgment.target - value) * (end - last).days / span
        traces.append(_line("forecast", [last, end], [value, reached], QUIET, 1.5, dash="dash"))
    shapes = [_shade(first, last) for first, last in terms.exemptions]
    shown_from = axis[0] if axis else date.min
    marks = [(day, "new ruler") for day in changed_ruler_on if day >= shown_from]
    marks += [(day, "other terms") for day in changed_terms_on if day >= shown_from]
    shapes += [_mark(day) for day, _ in marks]
    levels = {"target": judgment.target} if judgment.target is not None else {}
    figure = _figure(version, traces, shapes, levels)
    figure["layout"]["annotations"] += [_mark_label(day, text) for day, text in marks]
    if axis:
        figure["layout"]["xaxis"]["range"] = [day.isoformat() for day in axis]
    return figure


def total_figure(
    version: MetricVersion,
    days: Sequence[date],
    values: Sequence[float | None],
    path: Sequence[float | None],
    target: float | None,
    due: date | None,
) -> dict[str, Any]:
    """A program's total on a metric against where its teams together should be."""
    traces = [
        _line("total", days, values, INK, 2.5, markers=True),
        _line("path of all teams together", days, path, TRACK, 1.2),
    ]
    if due is not None and target is not None and days:
        last = next((v for v in reversed(path) if v is not None), None)
        if last is not None and due > days[-1]:
            traces.append(_line("path to come", [days[-1], due], [last, target], TRACK, 1.2, dash="dot"))
    return _figure(version, traces, [], {"target": target} if target is not None else {})


def effect_figure(
    version: MetricVersion,
    days: Sequence[date],
    treated: Sequence[float | None],
    others: Sequence[float | None],
    begun_on: date | None,
    would_be: Sequence[tuple[date, float]],
) -> dict[str, Any]:
    """A program's effect: the teams it began with as a strong line, those it did not begin with as a thin one, and
    dashed what the first would have been."""
    traces = []
    if any(value is not None for value in treated):
        traces.append(_line("with the program", days, treated, INK, 2.5, markers=True))
    if any(value is not None for value in others):
        traces.append(_line("without it", days, others, TRACK, 1.5, markers=True))
    if would_be:
        at, values = [day for day, _ in would_be], [value for _, value in would_be]
        traces.append(_line("would have been", at, values, QUIET, 1.5, dash="dash"))
    begun = [begun_on] if begun_on is not None and days and days[0] <= begun_on <= days[-1] else []
    figure = _figure(version, traces, [_mark(day) for day in begun], {})
    figure["layout"]["annotations"] += [_mark_label(day, "it began") for day in begun]
    axis = figure["layout"]["yaxis"]
    if not is_percent(version.unit, version.aggregation):  # means of a few things are often below one
        axis["tickformat"] = "~g" if _top(traces) < SMALL else "~s"
        if version.aggregation not in ("ratio", "mean"):
            axis["title"] = {"text": html.escape(f"{version.unit} a team".strip())}
    return figure


def _expected(terms: Terms, baseline: float, target: float, day: date) -> float:
    return expected(
        day,
        start=terms.start,
        baseline=baseline,
        due=terms.due,
        target=target,
        up=terms.up,
        milestones=terms.milestones,
    )


def _path_days(terms: Terms) -> list[date]:
    return [terms.start, *sorted(day for day, _ in terms.milestones), terms.due]


def _line(
    name: str,
    days: Sequence[date],
    values: Sequence[float | None],
    color: str,
    width: float,
    *,
    dash: str = "solid",
    markers: bool = False,
) -> go.Scatter:
    return go.Scatter(
        name=html.escape(name),
        x=[day.isoformat() for day in days],
        y=list(values),
        mode="lines+markers" if markers else "lines",
        line=None,
        marker=None,
        meta={"color": color, "width": width, "dash": dash},
    )


def _shade(first: date, last: date) -> dict[str, Any]:
    """Exempt days; both are inclusive."""
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": first.isoformat(),
        "x1": (last + timedelta(days=1)).isoformat(), "y0": 0, "y1": 1, "fillcolor": LINE, "opacity": 0.5,
        "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _mark(day: date) -> dict[str, Any]:
    """The day on which the ruler, or the goal's terms, changed."""
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": day.isoformat(), "x1": day.isoformat(), "y0": 0, "y1": 1,
        "line": {"width": 1, "dash": "dot", "color": INK},
    }  # fmt: skip


def _figure(
    version: MetricVersion, traces: Sequence[go.Scatter], shapes: Sequence[dict[str, Any]], levels: dict[str, float]
) -> dict[str, Any]:
    """The figure as plain JSON. Colors are put in last: plotly itself would refuse the name of a token."""
    percent = is_percent(version.unit, version.aggregation)
    layout = go.Layout(
        margin={"l": 48, "r": 8, "t": 8, "b": 28},
        showlegend=True,
        legend={"orientation": "h", "y": 1.0, "x": 0, "yanchor": "bottom"},
        hovermode="x unified",
        xaxis={"type": "date", "showgrid": False, "zeroline": False},
        yaxis={
            "tickformat": ".0%" if percent else "~s",
            **({"range": [0, _top(traces)], "nticks": 6} if percent else {"rangemode": "tozero"}),
            "zeroline": False,
            "title": None if percent else {"text": html.escape(version.unit)},
        },
        dragmode=False,
    )
    figure = go.Figure(data=list(traces), layout=layout).to_plotly_json()
    for trace in figure["data"]:
        look = trace.pop("meta")
        trace["line"] = look
        trace["hovertemplate"] = "%{y:.1%}" if percent else "%{y:,.4~g}"
        if "markers" in trace["mode"]:
            trace["marker"] = {"color": look["color"], "size": 5}
    drawn = figure["layout"]
    drawn.pop("template", None)
    drawn |= {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    drawn["yaxis"] |= {"gridcolor": LINE, "fixedrange": True}
    drawn["xaxis"] |= {"linecolor": LINE, "fixedrange": True}
    drawn["hoverlabel"] = {"bgcolor": "token:raised", "bordercolor": LINE}
    drawn["shapes"] = [*shapes, *(_level(value) for value in levels.values())]
    drawn["annotations"] = [_label(name, value) for name, value in levels.items()]
    return {"data": figure["data"], "layout": drawn}


def _top(traces: Sequence[go.Scatter]) -> float:
    """Where the axis of a percentage ends: at all of it, on every chart alike, unless a value goes beyond."""
    return max([1.0, *(value for trace in traces for value in trace.y if value is not None)]) * 1.04


def _mark_label(day: date, text: str) -> dict[str, Any]:
    return {
        "text": text, "xref": "x", "yref": "paper", "x": day.isoformat(), "y": 0, "xanchor": "left",
        "yanchor": "bottom", "showarrow": False,
    }  # fmt: skip


def _level(value: float) -> dict[str, Any]:
    return {
        "type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": value, "y1": value,
        "line": {"width": 1, "dash": "dot", "color": QUIET},
    }  # fmt: skip


def _label(name: str, value: float) -> dict[str, Any]:
    return {
        "text": html.escape(name), "xref": "paper", "yref": "y", "x": 1, "y": value, "xanchor": "right",
        "yanchor": "bottom", "showarrow": False,
    }  # fmt: skip
