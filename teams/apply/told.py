"""The words of a difference: what an entry of a program's file is called, and what its fields say, in their units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from program import wording

LONGEST = 90
BEFORE = 20
NAMED = 4
"""So many teams are named; of more, the first and how many."""
SHARES = {"improve_by", "tolerance", "gate", "holdout"}
LABELS = {
    "sponsor.email": "sponsor",
    "sponsor.mandate": "mandate",
    "ended.day": "ended on",
    "ended.why": "what was learned",
    "review.every": "reviews every",
    "review.first": "first review",
    "review.duration": "a review takes",
    "review.timezone": "time zone of reviews",
    "opened.day": "opened on",
    "opened.by": "opened by",
    "opened.why": "opened because",
    "hour": "hour of the day",
    "max_per_person_per_week": "mails a person a week, at most",
    "fresh_for": "fresh for",
    "hand_hours": "hours of hand work a week",
    "weekly_hours": "hours a week",
    "metric": "metric",
    "chosen": "how it was chosen",
}


class Unit(NamedTuple):
    """A metric's name, and in what it is counted."""

    name: str
    unit: str
    aggregation: str

    def value(self, number: float) -> str:
        """A value in words."""
        return wording.value(number, self.unit, self.aggregation)


def title(section: str, fields: Mapping[str, Any], known: Mapping[str, Unit]) -> str:
    """What an entry is called."""
    if section == "goals":
        return f"{_name(fields['metric'], known)}, {teams(fields['teams'])}"
    one = {"metrics": "metric", "waves": "wave", "feeds": "feed", "scores": "score"}[section]
    return f"{one} {fields['key']}"


def entry(section: str, fields: Mapping[str, Any], known: Mapping[str, Unit]) -> str:
    """An entry that comes or goes, with all it says."""
    named = {"key", "metric", "teams"} if section == "goals" else {"key"}
    said = [label_and_value(section, name, fields, known) for name in fields if name not in named]
    return f"{title(section, fields, known)}: {'; '.join(said)}"


def field(section: str, name: str, fields: Mapping[str, Any], known: Mapping[str, Unit]) -> str:
    """A field of the charter that comes or goes."""
    if name.startswith("owners "):
        _, email, role = name.split(" ")
        return f"owner {email} ({role})"
    return f"{label(name)}: {value(section, name, fields, known)}"


def label_and_value(section: str, name: str, fields: Mapping[str, Any], known: Mapping[str, Unit]) -> str:
    """A field in one breath: "target 90 %"."""
    return f"{label(name)} {value(section, name, fields, known)}"


def change(section: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any], known: Mapping[str, Unit]) -> str:
    """A field that changes: "target 90 % → 95 %"; a long list says what came and went."""
    one, other = old.get(name), new.get(name)
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(each, str) for each in [*one, *other]):
        came = [f"+ {_short(each)}" for each in other if each not in one]
        went = [f"− {_short(each)}" for each in one if each not in other]
        if came or went:
            return f"{label(name)} {', '.join(_few(came) + _few(went))}"
        return f"{label(name)} in another order"
    if isinstance(one, str) and isinstance(other, str) and max(len(one), len(other)) > LONGEST:
        return f"{label(name)} {' → '.join(_where_they_part(one, other))}"
    return f"{label(name)} {value(section, name, old, known)} → {value(section, name, new, known)}"


def value(section: str, name: str, fields: Mapping[str, Any], known: Mapping[str, Unit]) -> str:
    """What a field says, in its metric's unit where it is a level; "nothing" where it says nothing."""
    held = fields.get(name)
    if held is None:
        return "nothing"
    unit = known.get(str(fields.get("metric", "")), Unit("", "", ""))
    if name == "target" and section == "goals":
        return unit.value(held)
    if name == "milestones":
        return wording.listed([f"{unit.value(level)} on {_day(day)}" for day, level in sorted(held.items())])
    if name in SHARES:
        return wording.share(held)
    if name == "teams":
        return teams(held)
    if name == "parts":
        return wording.listed([_part(part, known) for part in held])
    return _plainly(held)


def teams(selector: Any) -> str:
    """Whom a line of goals means: "all teams", "teams under platform", "teams of wave pilot", "api and web"."""
    if selector == "all":
        return "all teams"
    if isinstance(selector, Mapping):
        (how, key), *_ = selector.items()
        return f"teams of wave {key}" if how == "wave" else f"teams under {key}"
    if not selector:
        return "no team"
    if len(selector) > NAMED:
        return f"{selector[0]} and {wording.count(len(selector) - 1, 'more team')}"
    return wording.listed(list(selector))


def _part(part: Mapping[str, Any], known: Mapping[str, Unit]) -> str:
    unit = known.get(part["metric"], Unit(part["metric"], "", ""))
    return f"{part['metric']} from {unit.value(part['zero'])} to {unit.value(part['full'])}, weight {part['weight']}"


def _name(metric: str, known: Mapping[str, Unit]) -> str:
    return known[metric].name if metric in known else metric


def label(name: str) -> str:
    """What a field is called in a sentence."""
    return LABELS.get(name) or name.replace("_", " ").replace(".", " ")


def _plainly(held: Any) -> str:
    if isinstance(held, bool):
        return "yes" if held else "no"
    if isinstance(held, Mapping):
        return _short(", ".join(f"{name}: {_plainly(one)}" for name, one in held.items()))
    if isinstance(held, list):
        return _short(", ".join(_plainly(one) for one in held)) or "nothing"
    if isinstance(held, str):
        return _day(held) or _quoted(held)
    return str(held)


def _quoted(text: str) -> str:
    """A word stands as it is, a sentence between quotation marks."""
    return f"“{_short(text)}”" if " " in text.strip() else _short(text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _where_they_part(one: str, other: str) -> tuple[str, str]:
    """Two long texts, each from shortly before the place where they begin to differ."""
    one, other = " ".join(one.split()), " ".join(other.split())
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, one.rfind(" ", 0, max(0, same - BEFORE)) + 1)
    before = "…" if start else ""
    return f"“{before}{_short(one[start:])}”", f"“{before}{_short(other[start:])}”"


def _few(said: list[str]) -> list[str]:
    return said if len(said) <= NAMED else [*said[: NAMED - 1], f"{said[0][0]} {len(said) - NAMED + 1} more"]


def _day(text: str) -> str:
    """An ISO day in words; "" where it is none."""
    try:
        return wording.day(date.fromisoformat(text)) if len(text) == 10 else ""
    except ValueError:
        return ""
