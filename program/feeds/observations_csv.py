"""Observations as CSV: the header of the contract, one observation a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .batch import Batch, Row, Unfit, read_day, read_number, read_text

if TYPE_CHECKING:
    from _csv import Reader

REQUIRED = ("metric", "team", "item", "as_of", "numerator", "denominator")
OPTIONAL = ("source",)
HEADER = ",".join(REQUIRED)


def read(data: bytes) -> Batch:
    """Read a CSV in UTF-8, with or without a byte order mark, separated by commas or semicolons."""
    batch = Batch()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        batch.fault(data.count(b"\n", 0, fault.start) + 1, f"the file is UTF-8; byte {fault.start} is not")
        return batch
    if "\x00" in text:
        batch.fault(text.count("\n", 0, text.index("\x00")) + 1, "the file has no NUL characters")
        return batch
    first, _, _ = text.partition("\n")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(first), strict=True)
    try:
        _read_lines(reader, batch)
    except csv.Error as fault:
        batch.fault(reader.line_num, f"a line of CSV was expected: {fault}")
    return batch


def _separator(header: str) -> str:
    return ";" if header.count(";") > header.count(",") else ","


def _read_lines(reader: Reader, batch: Batch) -> None:
    header = [name.strip() for name in next(reader, [])]
    places = _places(header, batch)
    if places is None:
        return
    width = len(header)
    for cells in reader:
        if not cells:
            continue
        if len(cells) != width:
            batch.fault(reader.line_num, f"{width} cells were expected, as in the header, not {len(cells)}")
            continue
        try:
            batch.rows.append(_row(reader.line_num, cells, places))
        except Unfit as fault:
            batch.fault(reader.line_num, str(fault))


def _places(header: Sequence[str], batch: Batch) -> list[int] | None:
    """Where each field stands, in the order of REQUIRED and OPTIONAL; -1 for an optional one that is not there."""
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in REQUIRED + OPTIONAL]
    if missing or unknown or len(set(header)) != len(header):
        wrong = [f"{name} is missing" for name in missing] + [f"{name[:40]!a} is not known" for name in unknown]
        wrong = wrong or ["a name stands twice"]
        batch.fault(1, f"the first line is the header {HEADER} (and, if wanted, source): {', '.join(wrong)}")
        return None
    return [header.index(name) if name in header else -1 for name in REQUIRED + OPTIONAL]


def _row(line: int, cells: Sequence[str], places: Sequence[int]) -> Row:
    metric, team, item, as_of, numerator, denominator, source = places
    below = cells[denominator]
    return Row(
        line,
        read_text(cells[metric], "metric"),
        read_text(cells[team], "team"),
        read_text(cells[source], "source") if source >= 0 else "",
        read_text(cells[item], "item"),
        read_day(cells[as_of]),
        read_number(cells[numerator], "numerator"),
        read_number(below, "denominator") if below else None,
    )
