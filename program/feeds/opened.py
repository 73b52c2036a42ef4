"""JSON and XML opened as a stranger's: no duplicate names, no NaN, no entities, and only so deep."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from .batch import Unfit, shown

DEEPEST = 32


def text_of(data: bytes, what: str = "the file") -> str:
    """The bytes as text in UTF-8, with or without a byte order mark. Raises Unfit."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise Unfit(f"{what} is UTF-8; byte {fault.start} is not") from None
    if "\x00" in text:
        raise Unfit(f"{what} has no NUL characters")
    return text


SPACED = re.compile(r'"\s+:')


def json_of(data: bytes, what: str = "the file") -> Any:
    """A JSON document: finite numbers, each name once in an object, at most 32 deep. Raises Unfit."""
    document = _loaded(text_of(data, what), what, object_pairs_hook=_object)
    _check_depth(document, what)
    return document


def json_lists(data: bytes, what: str = "the file") -> Any:
    """The same of a document that is an object of lists of flat objects, fast; any depth: its reader takes none.

    Looking at every object for a name that stands twice costs as much as reading it. But where no blank stands before
    a colon, each name is one `":` of the text (a text value may hold more of them): as many as there are names in what
    was read means that none was lost. Otherwise it is read again with the look at every object.
    """
    text = text_of(data, what)
    document = _loaded(text, what)
    if isinstance(document, dict) and not SPACED.search(text):
        lists = [held for held in document.values() if isinstance(held, list)]
        names = len(document) + sum(len(one) for held in lists for one in held if isinstance(one, dict))
        if text.count('":') == names:
            return document
    return _loaded(text, what, object_pairs_hook=_object)


def _loaded(text: str, what: str, **options: Any) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant, **options)
    except RecursionError:
        raise Unfit(f"{what} is nested at most {DEEPEST} deep") from None
    except ValueError as fault:
        if isinstance(fault, Unfit):
            raise
        raise Unfit(f"a JSON document was expected: {str(fault)[:120]}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        met: set[str] = set()
        twice = next(name for name, _ in pairs if name in met or met.add(name))  # type: ignore[func-returns-value]
        raise Unfit(f"a name stands once in an object; {shown(twice)} stands twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Unfit(f"numbers are finite; {name} is not")


def _check_depth(document: Any, what: str) -> None:
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(DEEPEST):
        if not level:
            return
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    if level:
        raise Unfit(f"{what} is nested at most {DEEPEST} deep")


def elements(data: bytes, *roots: str) -> Iterator[tuple[str, Element]]:
    """("start" or "end", element) of an XML document in order; an ended element may be cleared by the caller.

    The outermost is one of `roots`: a sign-in page is no report of nothing. Entities are refused (a document type
    without them is not: Cobertura has one). Raises Unfit.
    """
    depth = 0
    try:
        for event, element in iterparse(io.BytesIO(data), events=("start", "end")):
            depth += 1 if event == "start" else -1
            if depth == 1 and event == "start" and local(element) not in roots:
                expected = " or ".join(f"<{root}>" for root in roots)
                raise Unfit(f"an XML document that begins with {expected} was expected, not {shown(local(element))}")
            if depth > DEEPEST:
                raise Unfit(f"the file is nested at most {DEEPEST} deep")
            yield event, element
    except DefusedXmlException:
        raise Unfit("an XML document without entities was expected") from None
    except (ParseError, ValueError, LookupError) as fault:
        if isinstance(fault, Unfit):
            raise
        raise Unfit(f"an XML document was expected: {str(fault)[:120]}") from None


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
