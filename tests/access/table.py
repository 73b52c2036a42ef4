"""Reads matrix.txt: rows of a method, an address and what each subject is answered; and which words who may read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).parent / "matrix.txt"
CELLS = {"in", "-", "200", "302", "400", "400+", "401", "403", "409", "did"}
WORDS = {"no", "may", "sees"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass
class Row:
    """One line: a request, what it carries, and the answer that each subject gets."""

    line: int
    method: str
    address: str
    expected: Mapping[str, str]
    body: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.address}"


@dataclass
class Table:
    """The whole file."""

    rows: list[Row] = field(default_factory=list)
    words: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def read(text: str) -> Table:
    """The file's rows. A line that is not as expected becomes a fault with its number."""
    table = Table()
    columns: Sequence[Sequence[str]] = ()
    kind = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.startswith(("subjects", "words")):
            kind, *names = line.split()
            columns = [_subjects(name) for name in names]
        elif line.lstrip().startswith("|"):
            if table.rows:
                table.rows[-1].body = line.strip()[1:].strip()
        elif kind == "words":
            word, *cells = line.split()
            table.words.append((word, _cells(table, number, columns, cells, WORDS)))
        else:
            method, address, *cells = line.split()
            if method not in METHODS:
                table.faults.append(f"line {number}: {method} is no method; {', '.join(METHODS)} are known")
            table.rows.append(Row(number, method, address, _cells(table, number, columns, cells, CELLS)))
    table.faults += _twice(table.rows)
    return table


def _subjects(name: str) -> Sequence[str]:
    """A column's subjects: itself, or those that stand together for one (see matrix.txt)."""
    return TOGETHER.get(name, (name,))


TOGETHER = {
    "unsigned": ("nobody", "gone", "t-program", "t-feed", "t-other", "t-read", "t-expired", "t-revoked", "c-api", "c-typing"),
    "others": ("nobody", "gone", "t-program", "t-read"),
    "strangers": ("nobody", "gone", "c-api", "c-typing"),
    "dead": ("t-expired", "t-revoked"),
    "people": (
        "viewer", "idle", "outsider", "member", "lead", "leader", "otherlead", "owner", "otherowner", "sponsor", "admin",
    ),
}  # fmt: skip


def _cells(
    table: Table, number: int, columns: Sequence[Sequence[str]], cells: Sequence[str], known: set[str]
) -> dict[str, str]:
    if len(cells) != len(columns):
        table.faults.append(f"line {number}: {len(columns)} answers were expected, one a column, not {len(cells)}")
    for cell in cells:
        if cell not in known:
            table.faults.append(f"line {number}: {cell} is none of {', '.join(sorted(known))}")
    cells = ["404" if cell == "-" else cell for cell in cells]
    return {subject: cell for column, cell in zip(columns, cells, strict=False) for subject in column}


def _twice(rows: Sequence[Row]) -> Iterator[str]:
    met: set[tuple[str, str, str]] = set()
    for row in rows:
        key = (row.method, row.address, row.body)
        if key in met:
            yield f"line {row.line}: {row} stands there twice"
        met.add(key)


def filled(text: str, names: Mapping[str, object]) -> str:
    """An address or a form with the ids of the world's things in the place of their names in braces."""
    return re.sub(r"\{([a-z0-9.-]+)\}", lambda match: str(names[match[1]]), text)
