"""Plain values written as YAML that reads well and is the same, byte for byte, each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

WIDTH = 110
"""Columns of a line, where there is a place to break it."""
ONE_LINE = 90
"""The longest mapping that is written in one line."""
SENTENCES = 60
"""The longest list of texts that is."""


class _Flow(dict[Any, Any]):
    """A mapping written in one line: {email: a@example.com, role: technical}."""


class _FlowList(list[Any]):
    """A list written in one line: [api, web]."""


class _Dumper(yaml.SafeDumper):
    """Lists stand further in than their name, no aliases, long texts line by line as they were written."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless and flow)

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Flow, lambda dumper, held: dumper.represent_mapping("tag:yaml.org,2002:map", held, True))
_Dumper.add_representer(_FlowList, lambda dumper, held: dumper.represent_sequence("tag:yaml.org,2002:seq", held, True))


def write(value: Mapping[str, Any], *, blocks: int = 1) -> str:
    """One document, without the line that separates documents.

    Mappings down to `blocks` levels below the top (a list is no level) have a line for each name, others are written
    in one line where they fit.
    """
    styled = {name: _styled(held, blocks) for name, held in value.items()}
    return yaml.dump(styled, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False)


def _styled(value: Any, blocks: int) -> Any:
    if isinstance(value, dict):
        inner = {name: _styled(held, blocks - 1) for name, held in value.items()}
        return _Flow(inner) if blocks <= 0 and _fits(value) else inner
    if isinstance(value, list):
        # Keys of teams run on, as many to a line as fit.
        keys = all(isinstance(one, str) and " " not in one and "\n" not in one for one in value)
        if keys or (_fits(value, SENTENCES) and not any(isinstance(one, dict) for one in value)):
            return _FlowList(value)
        return [_styled(one, blocks) for one in value]
    return value


def _fits(value: Any, longest: int = ONE_LINE) -> bool:
    """Whether a value reads well in one line: short, and no text of several lines in it."""
    return "\\n" not in repr(value) and len(_plainly(value)) <= longest


def _plainly(value: Any) -> str:
    """About as long as it will be written."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_plainly(held)}" for name, held in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_plainly(one) for one in value) + "]"
    return str(value)
