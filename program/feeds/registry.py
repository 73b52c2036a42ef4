"""The kinds of reports that can be read: one file a kind and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import observations_csv, observations_json
from .batch import Batch


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report: its media types, the ends of its file names, and how it is read."""

    name: str
    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]
    read: Callable[[bytes], Batch]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("csv", ("text/csv",), (".csv", ".csv.gz"), observations_csv.read),
        Kind("json", ("application/json",), (".json", ".json.gz"), observations_json.read),
    )
}


def by_media_type(media_type: str) -> Kind | None:
    """The kind sent as this media type (parameters left out), or None."""
    plain = media_type.partition(";")[0].strip().lower()
    return next((kind for kind in KINDS.values() if plain in kind.media_types), None)


def by_file_name(name: str) -> Kind | None:
    """The kind of a file of this name, or None."""
    return next((kind for kind in KINDS.values() if name.lower().endswith(kind.suffixes)), None)
