"""The demo's files as code: the organization and its two programs, with the dates of the shifted story put in."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).parent
START, DUE = date(2022, 9, 1), date(2024, 3, 1)
"""When the real program began and was done (see demo/data/README.md)."""

PEOPLE = """
kind: User
metadata: {name: olga}
spec: {profile: {email: olga@demo.example, displayName: Olga Berzina}}
---
kind: User
metadata: {name: mark}
spec: {profile: {email: mark@demo.example, displayName: Mark Okafor}}
"""

SIGN_INS = (
    ("lena@demo.example", "team lead", "Lena leads Lib, which is behind: what would bring it back?"),
    ("olga@demo.example", "program owner", "Olga runs both programs: who moves, what was sent, what was withheld?"),
    ("vera@demo.example", "sponsor", "Vera sponsors both: what waits on her before the next review?"),
)
"""(e-mail, role, what to look at) of the people that a visitor of the demo may sign in as."""


def files(shift: timedelta) -> list[tuple[str, str]]:
    """(name, text) of each file, in the order in which they are applied."""
    start = START + shift
    dates = {
        "{start}": start,
        "{due}": DUE + shift,
        "{end}": DUE + shift + timedelta(days=90),
        "{first_review}": start + timedelta(days=-start.weekday() + 1, weeks=5),
        "{second_wave}": start + timedelta(weeks=8),
    }
    found = []
    for name in ("org.yaml", "documentation.yaml", "typing.yaml"):  # a guardrail is a metric of the other one
        text = (HERE / name).read_text(encoding="utf-8")
        for mark, day in dates.items():
            text = text.replace(mark, day.isoformat())
        found.append((name, text + "---" + PEOPLE if name == "org.yaml" else text))
    return found
