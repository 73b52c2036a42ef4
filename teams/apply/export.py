"""A program written down as the YAML that `apply` takes: complete, readable, and the same bytes for the same state."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from program.models import Program

from . import as_file, yaml_text
from .paths import plain

MARK = re.compile(r"^# State of (\S+) when this was exported: ([0-9a-f]{16})$", re.M)
"""A file that still has this line, applied while the program is as it was then, overwrites nothing unseen."""


def export(program: Program) -> str:
    """A program's file."""
    said = as_file.of_program(program)
    return _head(program, said) + yaml_text.write(said)


def mark_of(said: Mapping[str, Any]) -> str:
    """A short digest of a program's state."""
    text = json.dumps(plain(said), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def marks_in(text: str) -> dict[str, str]:
    """By program: of which state a file was exported; empty of a file that was written by hand."""
    return dict(MARK.findall(text))


def _head(program: Program, said: Mapping[str, Any]) -> str:
    name = "".join(c if c.isprintable() else " " for c in program.name)
    lines = [
        f"{name}, as a file.",
        f"  python manage.py apply {program.key}.yaml --plan   # what it would change",
        f"  python manage.py apply {program.key}.yaml          # apply it, whole or not at all",
        "Teams and people come first: python manage.py export --teams. Credentials of feeds are never in a file.",
    ]
    for key, owner in sorted(as_file.referred_to(program).items()):
        lines.append(f"Metric {key} is defined by {f'program {owner}, which comes first' if owner else 'no program'}.")
    lines.append(f"State of {program.key} when this was exported: {mark_of(said)}")
    return "".join(f"# {line}\n" for line in lines)


def in_order(programs: Sequence[Program]) -> list[Program]:
    """Programs so that each comes after those whose metrics it refers to and the one it guards, else by key."""
    by_key = {program.key: program for program in sorted(programs, key=lambda program: program.key)}
    found: dict[str, Program] = {}

    def put(key: str, above: frozenset[str]) -> None:
        if key in found or key in above or key not in by_key:
            return
        program = by_key[key]
        before = {*as_file.referred_to(program).values(), program.guard_of.key if program.guard_of else ""}
        for other in sorted(before):
            put(other, above | {key})
        found[key] = program

    for key in by_key:
        put(key, frozenset())
    return list(found.values())
