"""Static files: the vendored library is what it says, the stylesheet is small, its colors can be read."""

from __future__ import annotations

import hashlib
import re
from itertools import product
from pathlib import Path

import plotly.offline
import pytest

STATIC = Path(__file__).parents[2] / "web" / "static"
CSS = (STATIC / "web" / "app.css").read_text()


def test_vendored_files_are_those_on_record():
    rows = re.findall(
        r"^\| ([\w.-]+) \| .*? \| ([\d.]+) \| ([0-9a-f]{64}) \|$", (STATIC / "vendor/VENDORED.md").read_text(), re.M
    )
    assert rows
    for name, version, digest in rows:
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest
        assert version == plotly.offline.get_plotlyjs_version()


def test_the_stylesheet_is_small():
    assert len(CSS.encode()) <= 15_000
    assert len((STATIC / "web" / "review.css").read_bytes()) <= 4_000


def tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


LIGHT = tokens(CSS[CSS.index(":root {") : CSS.index("@media")])
DARK = tokens(CSS[CSS.index("@media (prefers-color-scheme: dark)") : CSS.index("* {")])


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


PAIRS = [
    *product(("ink", "quiet", "link"), ("paper", "raised")),
    *((name, f"{name}-bg") for name in ("behind", "risk", "met", "track", "none")),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-on-".join(pair))
def test_text_can_be_read(scheme, pair):
    held = LIGHT if scheme == "light" else DARK
    a, b = sorted((luminance(held[name]) for name in pair), reverse=True)
    assert (a + 0.05) / (b + 0.05) >= 4.5


def test_red_is_for_overdue_and_behind_only():
    rules = re.findall(r"([^{}]+)\{[^{}]*var\(--behind\)", CSS)
    for selector in rules:
        assert any(word in selector for word in ("s-behind", "s-overdue")), selector
