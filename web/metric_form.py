"""The form of a metric and its playbook: its fields as text, what is wrong with them, what there is to think about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.text import slugify

from program.models import Metric, Program
from program.trackers import TRACKERS
from program.wording import count
from teams.apply import metrics
from teams.apply.fields import Fields
from teams.apply.marked_yaml import UNKEPT, Document, Path
from teams.apply.metrics import MetricSpec, effort_text

DEFINES = ("name", "key", "unit", "direction", "aggregation", "fresh_for", "definition", "hand_hours", "sudden")
PLAYBOOK = (
    "steps", "example", "verify", "expert", "office_hours", "effort", "item_link", "tracker", "tracker_link",
)  # fmt: skip
FORM = (*DEFINES, *PLAYBOOK)
LONGEST = 30_000
FRESH = "45d"
AGGREGATIONS = {
    "ratio": "a share: so many of so many, as typed functions of all functions",
    "sum": "a count: how many there are, as open findings",
    "mean": "an average over items, as days to review",
    "max": "the largest of all items, as the slowest page",
    "latest": "one number a team that something else worked out",
}


def values_of(metric: Metric | None) -> dict[str, str]:
    """The form's fields as they stand."""
    if metric is None:
        return dict.fromkeys(FORM, "") | {"direction": "up", "aggregation": "ratio", "unit": "%", "fresh_for": FRESH}
    version = metric.versions.get(current=True)
    found = {name: str(getattr(version, name)) for name in metrics.DEFINING}
    found |= {"name": metric.name, "key": metric.key, "fresh_for": f"{metric.fresh_for}d"}
    found |= {"hand_hours": f"{metric.hand_hours:g}" if metric.hand_hours else "", "sudden": f"{metric.sudden:g}"}
    book = getattr(metric, "playbook", None)
    if book is None:
        return found | dict.fromkeys(PLAYBOOK, "")
    kept = ("example", "verify", "office_hours", "item_link", "tracker", "tracker_link")
    found |= {name: getattr(book, name) for name in kept}
    return found | {
        "steps": "\n".join(str(step) for step in book.steps),
        "expert": book.expert.email if book.expert else "",
        "effort": effort_text(book.effort_hours),
    }


def read(values: Mapping[str, str], *, with_playbook: bool) -> tuple[MetricSpec | None, dict[str, str]]:
    """The form as a metric, read as the file is, so that both refuse the same; and by field what was expected.

    `with_playbook` says that there is a playbook already, which empty fields then empty.
    """
    wrong = {
        name: f"A text of at most {LONGEST:,} characters was expected, without null bytes."
        for name, text in values.items()
        if UNKEPT.search(text) or len(text) > LONGEST
    }
    if wrong:
        return None, wrong
    plain = _plain(values, with_playbook=with_playbook)
    paths: dict[Path, int] = {
        (name,) if name in DEFINES else ("playbook", name): place for place, name in enumerate(FORM, start=1)
    }
    document = Document(plain, paths)
    spec = metrics.read(Fields(document))
    by_line = {line: str(path[-1]) for path, line in paths.items()}
    faults: dict[str, str] = {}
    for fault in document.faults:
        faults.setdefault(by_line.get(fault.line, "name"), f"{fault.what[:1].upper()}{fault.what[1:]}.")
    return (None if faults else spec), faults


def _plain(values: Mapping[str, str], *, with_playbook: bool) -> dict[str, Any]:
    """The form as the file would say it: without what was left empty."""
    typed = {name: values[name].replace("\r\n", "\n").strip() for name in FORM}
    typed["key"] = typed["key"] or slugify(typed["name"])[:80].strip("-_")
    if typed["fresh_for"].isdecimal():
        typed["fresh_for"] += "d"
    found: dict[str, Any] = {name: typed[name] for name in DEFINES if typed[name]}
    for name in ("hand_hours", "sudden"):
        if name in found:
            found[name] = _number(found[name])
    book: dict[str, Any] = {name: typed[name] for name in PLAYBOOK if typed[name]}
    if "steps" in book:
        book["steps"] = [line.strip() for line in book["steps"].splitlines() if line.strip()]
    if "effort" in book:
        book["effort"] = _number(book["effort"])
    if book or with_playbook:
        found["playbook"] = book
    return found


def _number(text: str) -> float | str:
    """A number as people type it, with a point or a comma; else the text, for the reader to refuse."""
    try:
        return float(text.replace(",", ".")) if text.isascii() and "_" not in text else text
    except ValueError:
        return text


def owned_elsewhere(spec: MetricSpec, program: Program, found: Metric | None) -> str:
    """Why a new metric cannot have this key; "" if it can."""
    held = Metric.objects.filter(key=spec.key).select_related("program").first()
    if held is None or held == found:
        return ""
    if held.program is None:
        return f"{spec.key} is a metric of no program: an administrator decides about it; another key was expected"
    if held.program == program:
        return f"{spec.key} is defined here already: change it there, or choose another key"
    return f"{metrics.check(spec, held.program, program.key)}; another key was expected"


def hints(values: Mapping[str, str]) -> list[str]:
    """What there is to think about, gently, by what stands in the form."""
    aggregation, unit, definition = values["aggregation"], values["unit"].strip(), values["definition"].strip()
    found = []
    if not definition:
        found.append("A definition by which two measure alike: what is counted, by which tool, what is left out.")
    elif len(definition) < 25:
        found.append("Would two people measure the same by this definition? Say which tool, and what is left out.")
    if aggregation == "sum" and unit == "%":
        found.append("A count in per cent? A share of something is a ratio, sent as so many of so many.")
    elif aggregation == "sum" and values["direction"] == "down":
        found.append("A count grows with the code: a large team looks worse for being large. Is a share fairer?")
    elif aggregation == "sum":
        found.append("A count that should grow has no best value: its items do not say what closes the gap.")
    elif aggregation in ("max", "latest"):
        found.append("Its items do not add up: a team sees what is farthest off, not what closes its gap.")
    found.append(GAMED)
    found += _measured(values)
    lacking = [said for name, said in LACKING if not values[name].strip()]
    if lacking:
        found.append(f"A team that is behind will ask {', '.join(lacking)}.")
    if values["verify"].strip() and "{item}" not in values["verify"]:
        found.append("{item} in the command stands for the item, so that one item can be checked by itself.")
    return found


GAMED = "What would make it look better without being better (deleting tests, leaving out files)? Who would notice?"
LACKING = (
    ("steps", "how to go about it"),
    ("example", "where it was done well"),
    ("verify", "how to check one item"),
    ("expert", "whom to ask"),
    ("effort", "how long one item takes"),
)


def _measured(values: Mapping[str, str]) -> list[str]:
    found = []
    spec, faults = read({**values, "name": "x", "key": "x"}, with_playbook=False)
    days = spec.fresh_for if spec is not None and "fresh_for" not in faults else 0
    if days > 90:
        found.append(f"For {count(days, 'day')} a team steers by an old number: can it be measured more often?")
    elif 0 < days < 7:
        found.append(f"Each team is to be measured every {count(days, 'day')}, or its goal is stale: by a build?")
    if spec is not None and spec.hand_hours > 4:
        found.append(f"{spec.hand_hours:g} hours of hand work a week cost more than they tell: can a tool do it?")
    return found


TRACKER_CHOICES = [("", "none"), *((name, tracker.title) for name, tracker in TRACKERS.items())]
