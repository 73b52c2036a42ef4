"""OpenMetrics and Prometheus text: samples chosen by name and labels, an item or a team by a label."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from prometheus_client import parser as prometheus_text
from prometheus_client.openmetrics import parser as openmetrics_text

from .batch import Unfit, shown
from .opened import text_of
from .report import Measure, Report

MEASURES = (
    Measure(
        "NAME{label=\"value\"}", "Samples of a name", "sum", "down", "the label named by `item`, else all other labels",
        "the sample's value",
    ),
    Measure(
        "NAME / OTHER", "Samples of a name over those of another", "ratio", "up", "the same", "the first's value",
        "the second's",
    ),
)  # fmt: skip
SELECTOR = re.compile(r"\s*([A-Za-z_:][A-Za-z0-9_:]*)\s*(?:\{([^{}]*)\})?\s*", re.ASCII)
LABEL = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"([^"\\]*)"\s*', re.ASCII)
VALUE = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?inf|nan", re.ASCII | re.IGNORECASE)
QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
LINE = re.compile(rb"^(# (HELP|TYPE|UNIT|EOF)|[A-Za-z_:][A-Za-z0-9_:]*(\{[^\n]*\})? +[-+0-9.NI])", re.M)


class Sample(NamedTuple):
    """One sample: its name, labels and value."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Selector:
    """A name and the labels it must have."""

    name: str
    labels: Mapping[str, str]

    def takes(self, sample: Sample) -> bool:
        """Whether it chooses a sample."""
        return sample.name == self.name and all(sample.labels.get(k) == v for k, v in self.labels.items())


def recognizes(head: bytes) -> bool:
    """Whether the first bytes look like it."""
    return LINE.match(head.removeprefix(b"\xef\xbb\xbf").lstrip()) is not None


def read(data: bytes, settings: Mapping[str, Any], measures: Collection[str]) -> Report:
    """Read the samples that the measures choose (all names where none are given). Raises Unfit."""
    samples = list(_samples(text_of(data)))
    return pick(samples, settings, measures or sorted({sample.name for sample in samples}))


def pick(samples: Collection[Sample], settings: Mapping[str, Any], measures: Collection[str]) -> Report:
    """Make a report of samples. A sample that is no number (NaN, infinite) says nothing and is left out."""
    report = Report()
    names = {sample.name for sample in samples}
    for measure in measures:
        above, slash, below = measure.partition("/")
        parts = [_selector(above)] + ([_selector(below)] if slash else [])
        if not all(part is not None and part.name in names for part in parts):
            continue  # a feed may ask for measures of other kinds of reports as well
        figures = [_figures(samples, selector, settings, report, measure) for selector in parts if selector]
        report.found.setdefault(measure, {})
        for (team, item), number in figures[0].items():
            if not slash:
                report.add(measure, item, number, team=team)
            elif (team, item) in figures[1]:
                report.add(measure, item, number, figures[1][team, item], team=team)
            else:
                report.leave_out(measure, f"{measure}: {shown(item or team)} has no second value")
    return report


def is_measure(text: str) -> bool:
    """Whether it is a name with labels, or one over another."""
    above, slash, below = text.partition("/")
    return _selector(above) is not None and (not slash or _selector(below) is not None)


def _selector(text: str) -> Selector | None:
    found = SELECTOR.fullmatch(text)
    labels = [LABEL.fullmatch(part) for part in (found[2] or "").split(",") if part.strip()] if found else []
    if found is None or None in labels:
        return None
    return Selector(found[1], {label[1]: label[2] for label in labels if label})


def _figures(
    samples: Collection[Sample], selector: Selector, settings: Mapping[str, Any], report: Report, measure: str
) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for sample in samples:
        if not selector.takes(sample):
            continue
        place = place_of(sample.labels, settings, selector.labels)
        if not math.isfinite(sample.value):
            report.leave_out(measure, f"{selector.name} of {shown(place[1] or place[0])} is no number")
            continue
        found[place] = found.get(place, 0.0) + sample.value
    return found


def place_of(labels: Mapping[str, str], settings: Mapping[str, Any], chosen: Mapping[str, str]) -> tuple[str, str]:
    """(team, item) of a sample: by the labels that the settings name; the item else by all that tell it apart."""
    team = labels.get(str(settings.get("team", "")), "")
    named = str(settings.get("item", ""))
    if named:
        return team, labels.get(named, "")
    rest = {k: v for k, v in labels.items() if k not in chosen and k not in ("__name__", settings.get("team"))}
    return team, ",".join(f"{name}={rest[name]}" for name in sorted(rest))


def value_of(text: str) -> float:
    """A sample's value as Go writes it, with NaN and +Inf. Raises ValueError; float() takes 1_000 and １２ as well."""
    if not VALUE.fullmatch(text):
        raise ValueError(f"a number was expected, not {shown(text)}")
    return float(text)


def _check_values(text: str) -> None:
    """Refuse values that only Python takes for numbers. Raises ValueError with the line."""
    for number, line in enumerate(text.splitlines(), 1):
        plain = line if line.isascii() and "_" not in line else QUOTED.sub('""', line).partition(" # ")[0]
        if plain is line or plain.lstrip().startswith("#"):
            continue
        value = plain.rpartition("}")[2] if "}" in plain else plain.strip().partition(" ")[2]
        if "_" in value or not value.isascii():
            raise ValueError(f"line {number}: a number in ASCII digits, not {shown(value.strip())}")


def _samples(text: str) -> Iterator[Sample]:
    read_families = openmetrics_text if text.rstrip().endswith("# EOF") else prometheus_text
    try:
        _check_values(text)
        for family in read_families.text_string_to_metric_families(text):
            for sample in family.samples:
                yield Sample(sample.name, sample.labels, float(sample.value))
    except (ValueError, LookupError, TypeError, AttributeError, NameError, ArithmeticError, RuntimeError) as fault:
        raise Unfit(f"the text format of Prometheus or OpenMetrics was expected: {str(fault)[:120]}") from None
