"""docs/programs-as-code.md says what is so: its examples apply in order, and they name every key there is."""

from __future__ import annotations

import re

import pytest
import yaml

from program.models import Program
from teams.apply import charter, feeds, metrics, program_file
from teams.apply.export import export
from teams.apply.files import apply_text
from teams.apply.org_export import export_org
from tests.conftest import ROOT
from tests.people import NOW

DOC = (ROOT / "docs" / "programs-as-code.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", DOC, flags=re.M | re.S)
pytestmark = pytest.mark.django_db


def test_the_examples_apply_and_come_back():
    assert len(BLOCKS) == 3
    for block in BLOCKS:
        apply_text(block, now=NOW, via="test")
    for block in BLOCKS:
        assert apply_text(block, now=NOW, via="test") == []
    assert [apply_text(export(program), now=NOW, via="test") for program in Program.objects.all()] == [[], []]
    assert apply_text(export_org(), now=NOW, via="test") == []


def names(value) -> set[str]:
    """Every name of every mapping inside."""
    if isinstance(value, dict):
        return {str(name) for name in value} | {one for held in value.values() for one in names(held)}
    return {one for held in value for one in names(held)} if isinstance(value, list) else set()


def test_every_key_is_named():
    known = charter.KNOWN | metrics.KNOWN | metrics.PLAYBOOK | feeds.KNOWN | program_file.SECTIONS
    known |= program_file.GOAL | program_file.WAVE
    shown = names(yaml.safe_load(BLOCKS[2]))
    elsewhere = {name for name in known - shown if f"`{name}:" in DOC or f"{name}: " in DOC}
    assert known - shown - elsewhere == set()
    assert elsewhere <= {"ended", "target", "every"}
