"""Observations as CSV: the header of the contract, one observation a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .batch import LONGEST, MOST_NAMED, Batch, Row, Unfit, read_day, read_number, read_text

if TYPE_CHECKING:
    from _csv import Reader

REQUIRED = ("metric", "team", "item", "as_of", "numerator", "denominator")
OPTIONAL = ("source",)
HEADER = ",".join(REQUIRED)
MOST_KEPT = 200_000
"""Different texts that are kept to be found again; a file with more of them costs no more memory for it."""


def read(data: bytes, source: str = "") -> Batch:
    """Read a CSV in UTF-8, with or without a byte order mark, separated by commas or semicolons.

    Lines are read as the batch's rows are asked for, so that a long file takes little memory. `source` is that of
    lines which name none.
    """
    batch = Batch()
    batch.rows = _rows(data, source, batch)
    return batch


def _rows(data: bytes, source: str, batch: Batch) -> Iterator[Row]:
    first = data[: data.find(b"\n") + 1 or None][:10_000]
    if (nul := data.find(b"\x00")) >= 0:
        batch.fault(data.count(b"\n", 0, nul) + 1, "the file has no NUL characters")
        return
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=_separator(first), strict=True)
    try:
        yield from _read_lines(reader, source, batch)
    except UnicodeDecodeError:
        try:
            data.decode("utf-8-sig")
        except UnicodeDecodeError as fault:  # said again of the whole file: the reader decodes it in pieces
            line = data.count(b"\n", 0, fault.start) + 1
            batch.fault(line, f"the file is UTF-8; byte {fault.start} is not")
    except csv.Error as fault:
        long = "field larger" in str(fault)
        what = (
            f"a cell has at most {csv.field_size_limit():,} characters"
            if long
            else f"a line of CSV was expected: {fault}"
        )
        batch.fault(reader.line_num or 1, what)


def recognizes(head: bytes) -> bool:
    """Whether the first line is a header with the contract's names."""
    names = {name.strip(b' \r"') for name in head.partition(b"\n")[0].removeprefix(b"\xef\xbb\xbf").lower().split(b",")}
    if len(names) < 2:
        names = {name.strip(b' \r"') for name in head.partition(b"\n")[0].lower().split(b";")}
    return {b"metric", b"numerator"} <= names or {b"as_of", b"numerator"} <= names


def _separator(header: bytes) -> str:
    return ";" if header.count(b";") > header.count(b",") else ","


def _read_lines(reader: Reader, source: str, batch: Batch) -> Iterator[Row]:
    header = [name.strip() for name in next(reader, [])]
    places = _places(header, batch)
    if places is None:
        return
    width = len(header)
    seen: dict[str, str] = {}
    for cells in reader:
        if not cells:
            continue
        if len(cells) != width:
            batch.fault(reader.line_num, f"{width} cells were expected, as in the header, not {len(cells)}")
            continue
        try:
            yield _row(reader.line_num, cells, places, source, seen)
        except Unfit as fault:
            batch.fault(reader.line_num, str(fault))


def _places(header: Sequence[str], batch: Batch) -> list[int] | None:
    """Where each field stands, in the order of REQUIRED and OPTIONAL; -1 for an optional one that is not there."""
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in REQUIRED + OPTIONAL]
    if missing or unknown or len(set(header)) != len(header):
        wrong = [f"{name} is missing" for name in missing] + [f"{name[:40]!a} is not known" for name in unknown]
        wrong = wrong[:MOST_NAMED] or ["a name stands twice"]
        batch.fault(1, f"the first line is the header {HEADER} (and, if wanted, source): {', '.join(wrong)}")
        return None
    return [header.index(name) if name in header else -1 for name in REQUIRED + OPTIONAL]


def _row(line: int, cells: Sequence[str], places: Sequence[int], source: str, seen: dict[str, str]) -> Row:
    """One line's observation. Texts are checked once and kept once (`seen`), however often they come again."""
    metric, team, item, as_of, numerator, denominator, of_source = places
    below = cells[denominator]
    return Row(
        line,
        _text(cells[metric], "metric", seen),
        _text(cells[team], "team", seen),
        (_text(cells[of_source], "source", seen) if of_source >= 0 else "") or source,
        _text(cells[item], "item", seen),
        read_day(cells[as_of]),
        read_number(cells[numerator], "numerator"),
        read_number(below, "denominator") if below else None,
    )


def _text(cell: str, what: str, seen: dict[str, str]) -> str:
    held = seen.get(cell)
    if held is not None and len(held) <= LONGEST[what]:
        return held
    checked = read_text(cell, what)
    if len(seen) < MOST_KEPT:
        seen[checked] = checked
    return checked
