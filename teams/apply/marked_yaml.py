"""YAML read with the line of every value, so that a fault can name where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from program.feeds.batch import Fault

LARGEST = 1_000_000
LARGEST_HERE = 50_000_000
"""For whoever runs commands on the server: a whole installation moves in a file."""
MOST_VALUES = 100_000
"""Of one document; a larger file may have one for each ten characters."""
UNKEPT = re.compile("[\0\ud800-\udfff]")

Path = tuple[str | int, ...]


class Unreadable(Exception):
    """A file with faults; nothing of it is applied."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(f"line {fault.line}: {fault.what}" for fault in self.faults))


@dataclass(slots=True)
class Document:
    """One YAML document: its plain value, and the line of every value by its path."""

    value: Any
    lines: dict[Path, int]
    faults: list[Fault] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of a value, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def fault(self, path: Path, what: str) -> None:
        """Note a fault at the value's place."""
        self.faults.append(Fault(self.line(path), what))


def load(text: str, largest: int = LARGEST) -> list[Document]:
    """All documents of a file; empty ones are left out. Raises Unreadable when it is no YAML or far too large."""
    if len(text) > largest:
        raise Unreadable([Fault(0, f"a file of at most {largest:,} characters was expected, not {len(text):,}")])
    most = MOST_VALUES if largest == LARGEST else max(MOST_VALUES, len(text) // 10)
    documents = []
    loader = None
    try:
        loader = yaml.SafeLoader(text)  # raises as well: on a character that no YAML has
        while loader.check_node():
            documents.append(_Builder(loader, most).build(loader.get_node()))
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        what = getattr(fault, "problem", None) or str(fault)
        raise Unreadable([Fault(mark.line + 1 if mark else 0, f"YAML was expected: {what}")]) from None
    except RecursionError:
        raise Unreadable([Fault(0, "values nested a few levels deep were expected")]) from None
    finally:
        if loader is not None:
            loader.dispose()
    return [document for document in documents if document.value is not None or document.faults]


class _Builder:
    """Turns one composed document into plain values, noting lines and names that stand twice."""

    def __init__(self, loader: yaml.SafeLoader, most: int) -> None:
        self.loader, self.most = loader, most
        self.document = Document(None, {})
        self.values = 0

    def build(self, node: yaml.Node | None) -> Document:
        if node is not None:
            self.document.value = self.value(node, ())
        return self.document

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.values += 1
        if self.values > self.most:  # an alias may stand for thousands: counted each time it is used
            raise yaml.YAMLError(f"at most {self.most:,} values")
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, place)) for place, item in enumerate(node.value)]
        return self.plain(node)

    def plain(self, node: yaml.Node) -> Any:
        """A scalar's value. An escape can name characters that no database keeps: those are refused here."""
        try:
            value = self.loader.construct_object(node)
        except ValueError as fault:
            raise yaml.MarkedYAMLError(problem=str(fault), problem_mark=node.start_mark) from None
        if isinstance(value, str) and UNKEPT.search(value):
            what = "text without NUL characters and lone surrogates was expected"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=node.start_mark)
        return value

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.plain(key_node)
            if isinstance(key, list | dict):
                raise yaml.MarkedYAMLError(problem="a plain name was expected", problem_mark=key_node.start_mark)
            at = (*path, key if isinstance(key, int) else str(key))
            self.document.lines[at] = key_node.start_mark.line + 1
            if key in found:
                self.document.fault(at, f"{key} stands twice here; it was expected once")
            found[key] = self.value(value_node, at)
        return found
