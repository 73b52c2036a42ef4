"""From facts to a mail: fills the templates of one kind, wraps the text, puts the style into the HTML."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import css_inline
from django.template.loader import get_template
from jinja2.runtime import Macro

from program import wording

COLUMNS = 78
# "   next:  first words": what follows wraps under the first words, not under the label, number or dash.
_LABEL = re.compile(r"^(\s*(?:\d+\. |- |[a-z]+: +)?)")


def fill(kind: str, context: dict[str, Any], room: str = "nudges") -> tuple[str, str, str]:
    """Subject, text and HTML of one message of a kind; a name the context lacks is an error.

    `room` is the folder of the kind's templates: the outbox serves other rooms' mails too.
    """
    context = context | {"say": wording, "tell": phrases("nudges/_sentences.txt")}
    subject = " ".join(_template(room, kind, "subject.txt").render(context).split())
    text = _tidy(_template(room, kind, "body.txt").render(context))
    html = _inliner().inline(_template(room, kind, "body.html").render(context | {"subject": subject}))
    return subject, text, html


def phrases(path: str, context: Mapping[str, Any] = {}) -> SimpleNamespace:
    """The macros of a text template as functions that give plain text; all of them know the context.

    Imported by a template in the ordinary way, a macro of a text file would count as safe HTML there: names that
    people chose would go into the mail unescaped.
    """
    known = {"say": wording, **context}
    if not path.endswith("/_sentences.txt"):
        known["tell"] = phrases("nudges/_sentences.txt")
    found: Any = get_template(path, using="jinja2")
    module = found.template.make_module(known)
    macros = {name: made for name, made in vars(module).items() if isinstance(made, Macro)}
    return SimpleNamespace(**{name: _plainly(macro) for name, macro in macros.items()})


def _plainly(macro: Macro) -> Callable[..., str]:
    def words(*facts: Any) -> str:
        return str(macro(*facts)).strip()

    return words


def _template(room: str, kind: str, part: str) -> Any:
    return get_template(f"{room}/{kind}/{part}", using="jinja2")


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    # Style tags stay: dark mode and phones need media queries, which cannot be inlined. Nothing is ever fetched.
    return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


def _tidy(text: str) -> str:
    """Lines of at most 78 columns where there is a space to break at, and never two empty lines in a row."""
    lines = [wrapped for line in text.splitlines() for wrapped in _wrapped(line.rstrip())]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _wrapped(line: str) -> list[str]:
    found = _LABEL.match(line)
    # An address stays beside its label: it cannot be broken, and alone on a line it looks like something else.
    if len(line) <= COLUMNS or " " not in line[found.end() if found else 0 :]:
        return [line]
    hang = " " * len(found.group(1)) if found else ""
    # A number stays with its percent sign.
    lines = textwrap.wrap(
        line.replace(" %", "\0%"),
        COLUMNS,
        subsequent_indent=hang,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    return [wrapped.replace("\0", " ") for wrapped in lines]
