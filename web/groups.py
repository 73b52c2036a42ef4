"""The teams below a group, however deep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from teams.models import Team


def children_of(nodes: Iterable[Team]) -> dict[int | None, list[Team]]:
    """The org tree, as the children of each node."""
    found: dict[int | None, list[Team]] = defaultdict(list)
    for node in nodes:
        found[node.parent_id].append(node)
    return found


def teams_below(top: Team, children: Mapping[int | None, Sequence[Team]]) -> list[Team]:
    """The leaves below one node; each is met once, also in a tree that bites its tail."""
    found, met, waiting = [], {top.pk}, [top.pk]
    while waiting:
        for node in children.get(waiting.pop(), ()):
            if node.pk not in met:
                met.add(node.pk)
                waiting.append(node.pk)
                if node.leaf:
                    found.append(node)
    return found
