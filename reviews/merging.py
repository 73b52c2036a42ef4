"""Two people wrote at the same time: what both wrote, line by line, so that no line is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_LINES = 1000
"""Longer differences are not compared line by line: that would take too long."""
MOST_PAIRS = 20_000
"""Of lines that are the same, such as two hundred blank ones and a hundred. What repeats itself more takes minutes."""

Lines = list[str]


@dataclass(frozen=True)
class Merged:
    """One text made of two. `clean`: each changed lines of their own; else lines of both stand one after the other."""

    text: str
    clean: bool


def merge(base: str, theirs: str, mine: str) -> Merged:
    """What both made of the text that both began from: every line that either wrote is in it.

    What only one of them changed or took out is changed or out. Where both changed the same lines, theirs come first
    and mine after them; lines that both put into one place are no such clash.
    """
    if mine in (theirs, base):
        return Merged(theirs, clean=True)
    if theirs == base:
        return Merged(mine, clean=True)
    ours, others, first = (text.split("\n") if text else [] for text in (mine, theirs, base))
    head = _same(ours, others, first)
    tail = _same(*(lines[head:][::-1] for lines in (ours, others, first)))
    cut = [lines[head : len(lines) - tail] for lines in (first, others, ours)]
    if max(map(len, cut)) > MOST_LINES or max(_pairs(cut[0], cut[1]), _pairs(cut[0], cut[2])) > MOST_PAIRS:
        middle, clean = _one_after_the_other(cut[1], cut[2]), False
    else:
        middle, clean = _woven(*cut)
    return Merged("\n".join([*ours[:head], *middle, *(ours[-tail:] if tail else [])]), clean)


def _same(*texts: Sequence[str]) -> int:
    """How many lines all of them begin with."""
    count = 0
    for lines in zip(*texts, strict=False):
        if len(set(lines)) > 1:
            break
        count += 1
    return count


def _pairs(one: Lines, other: Lines) -> int:
    """In how many ways a line of one is a line of the other: what comparing them costs."""
    many = Counter(other)
    return sum(many[line] for line in one)


def _woven(base: Lines, theirs: Lines, mine: Lines) -> tuple[Lines, bool]:
    found: Lines = []
    clean = True
    b = t = m = 0
    for base_at, theirs_at, mine_at, length in _agreed(base, theirs, mine):
        was, others, ours = base[b:base_at], theirs[t:theirs_at], mine[m:mine_at]
        if others == ours or ours == was:
            found += others
        elif others == was:
            found += ours
        else:
            found += _one_after_the_other(others, ours)
            clean = clean and not was
        found += base[base_at : base_at + length]
        b, t, m = base_at + length, theirs_at + length, mine_at + length
    return found, clean


def _one_after_the_other(theirs: Lines, mine: Lines) -> Lines:
    """Theirs, then those of mine that theirs do not have: a line that both have stands once."""
    held = Counter(theirs)
    kept = []
    for line in mine:
        if held[line]:
            held[line] -= 1
        else:
            kept.append(line)
    return [*theirs, *kept]


def _agreed(base: Lines, theirs: Lines, mine: Lines) -> Iterator[tuple[int, int, int, int]]:
    """Where all three have the same lines: the places in each and the length; at last their ends."""
    one = SequenceMatcher(None, base, theirs, autojunk=False).get_matching_blocks()
    other = SequenceMatcher(None, base, mine, autojunk=False).get_matching_blocks()
    i = j = 0
    while i < len(one) and j < len(other):
        a, b = one[i], other[j]
        first, last = max(a.a, b.a), min(a.a + a.size, b.a + b.size)
        if first < last:
            yield first, a.b + first - a.a, b.b + first - b.a, last - first
        if a.a + a.size < b.a + b.size:
            i += 1
        else:
            j += 1
    yield len(base), len(theirs), len(mine), 0
