"""The pages of docs/feeds as the tests read them: their tables, blocks and the line that says what is stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent.parent.parent / "docs" / "feeds"
NAMES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
STORED = re.compile(r"^Stored as of (\d{4}-\d\d-\d\d)[^`\n]*?(?:from source `([^`]+)`|without a source)[^\n]*:$", re.M)
CURL = re.compile(
    r'^curl --data-binary @(\S+) -H "Authorization: Bearer \$TOKEN" "?http://127\.0\.0\.1:8000(/[^"\s]+)"?$'
)
EMPTY = "(empty snapshot)"


@dataclass(frozen=True)
class Stored:
    """One row of what is stored; no item (None) is an empty snapshot."""

    metric: str
    team: str
    item: str | None
    numerator: float
    denominator: float | None


class Page:
    """One page of docs/feeds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
        self.sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", self.text, re.M | re.S))

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0].removeprefix("# ")

    def blocks(self, language: str, section: str = "Example") -> list[str]:
        """The fenced blocks of a language in a section, in order."""
        return [text for found, text in BLOCK.findall(self.sections[section]) if found == language]

    @property
    def feed(self) -> dict[str, object]:
        """The feed of the example, as its YAML has it."""
        (text,) = [text for text in self.blocks("yaml") if "\nfeeds:" in text]
        (feed,) = yaml.safe_load(text)["feeds"]
        return feed

    @property
    def curl(self) -> tuple[str, str] | None:
        """(file, path and query) of the example's line of curl."""
        lines = [line for block in self.blocks("sh") for line in block.splitlines() if line.startswith("curl")]
        if not lines:
            return None
        (line,) = lines
        found = CURL.match(line)
        assert found, f"{self.name}: a line that can be copied was expected, not {line}"
        return found[1], found[2]

    @property
    def sample(self) -> str:
        """The example's report: its only block that is neither YAML nor a command."""
        blocks = [text for found, text in BLOCK.findall(self.sections["Example"]) if found not in ("yaml", "sh")]
        (sample,) = blocks
        return sample

    @property
    def stored(self) -> tuple[date, str, list[Stored]]:
        """(as_of, source, rows) of what the example stores."""
        found = STORED.search(self.text)
        assert found, f"{self.name} says what its example stores"
        rows = []
        for row in table(self.text[found.end() :]):
            item, below = row["item"], row["denominator"]
            rows.append(
                Stored(
                    row["metric"],
                    row["team"],
                    None if item == EMPTY else item,
                    float(row["numerator"]),
                    float(below) if below else None,
                )
            )
        return date.fromisoformat(found[1]), found[2] or "", rows


def table(text: str) -> list[dict[str, str]]:
    """The first table of a text, row by row; marks of code are left out of its cells. Nothing where there is none."""
    lines = [line.strip() for line in text.splitlines()]
    first = next((place for place, line in enumerate(lines) if line.startswith("|")), None)
    if first is None:
        return []
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("`", "") for cell in line.removeprefix("|").removesuffix("|").split("|")])
    header, _, *body = rows
    assert all(len(row) == len(header) for row in body), f"a table with rows of {len(header)} cells: {rows}"
    return [dict(zip(header, row, strict=True)) for row in body]
