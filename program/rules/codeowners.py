"""Who owns a path by a CODEOWNERS file, read as its host (GitHub or GitLab) reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

GITHUB, GITLAB = "github", "gitlab"
FLAVORS = (GITHUB, GITLAB)
GITHUB_LIMIT = 3 * 1024 * 1024

# The whitespace of both hosts is that of ASCII: a no-break space is a part of a name.
BLANK = " \t\r\f\v"
# A pattern ends at the first whitespace that no backslash escapes.
ENTRY = re.compile(r"((?:\\.|[^\\ \t\r\f\v]|\\$)+)(.*)", re.DOTALL)
HEADER = re.compile(r"\^?\[([^\]]*)\](?:\[[^\]]*\])?(?:[ \t\r\f\v](.*))?", re.DOTALL)
EMAIL = r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)*"
GITHUB_OWNER = re.compile(rf"@[\w.-]+(?:/[\w.-]+)?|{EMAIL}")
GITLAB_OWNER = re.compile(rf"@@?\w[\w.-]*(?:/[\w.-]+)*|{EMAIL}")
# What follows a `[`, up to its end; a character of it, or the first and last of several.
RANGE = re.compile(r"([!^]?)((?:\\.|[^\\\]])*)\]", re.DOTALL)
SPAN = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)

NEVER = re.compile(r"(?!)")
ANY_DEPTH = "**"
# What may follow the last segment of a pattern: nothing; nothing or the inside of a directory; such an inside only.
EXACT, OR_INSIDE, INSIDE = r"\Z", r"(?=/|\Z)", r"/(?=.)"


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """A line that gives the paths of a pattern to owners: none means nobody; an exclusion has none for good.

    The pattern is as written, but without the `!` of an exclusion. The section is "" before any header.
    """

    line: int
    pattern: str
    owners: tuple[str, ...]
    section: str = ""
    exclusion: bool = False
    regex: re.Pattern[str] = field(default=NEVER, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that the host ignores, why, and what it expects; line 0 is the whole file."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """A CODEOWNERS file as its host reads it: rules in the order of the file, and lines that do not count."""

    flavor: str
    rules: tuple[OwnerRule, ...]
    skipped: tuple[Skipped, ...]

    def match(self, path: str) -> OwnerRule | None:
        """The rule that decides for a path from the root of the repository; None where no rule matches.

        Of GitLab's sections it is the last one whose rule names owners, else the last one that decides at all.
        """
        deciding = self.matches(path)
        return next((rule for rule in reversed(deciding) if rule.owners), deciding[-1] if deciding else None)

    def matches(self, path: str) -> list[OwnerRule]:
        """The deciding rule of each section that has one, sections in the order of the file; GitHub: one at most."""
        path = path.lstrip("/")
        if self.flavor == GITHUB:
            return list(islice((rule for rule in reversed(self.rules) if rule.regex.match(path)), 1))
        deciding: dict[str, OwnerRule | None] = {}
        for rule in self.rules:
            held = deciding.setdefault(rule.section)
            # What a section has excluded, no other line of it brings back.
            if not (held and held.exclusion) and rule.regex.match(path):
                deciding[rule.section] = rule
        return [rule for rule in deciding.values() if rule]


def parse(text: str, flavor: str = "") -> CodeOwners:
    """A CODEOWNERS file, as GitHub or GitLab reads it; with no flavor given, as the one whose syntax it uses.

    Section headers and `!` patterns are GitLab's only. Raises ValueError for a flavor that is neither.
    """
    if flavor and flavor not in FLAVORS:
        raise ValueError(f"a CODEOWNERS file is one of {FLAVORS}, not {flavor!r}")
    lines = list(_lines(text))
    flavor = flavor or _flavor_of(lines)
    if flavor == GITHUB and len(text.encode(errors="surrogatepass")) > GITHUB_LIMIT:
        return CodeOwners(flavor, (), (Skipped(0, "GitHub does not read a file of more than 3 MB"),))
    found = list(_gitlab(lines) if flavor == GITLAB else _github(lines))
    rules = tuple(one for one in found if isinstance(one, OwnerRule))
    return CodeOwners(flavor, rules, tuple(one for one in found if isinstance(one, Skipped)))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The numbered lines that say something: neither blank nor a comment."""
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = raw.lstrip(BLANK)
        if line and not line.startswith("#"):
            # Of the whitespace at the end only the carriage return goes: a space there may be escaped.
            yield number, line.removesuffix("\r")


def _flavor_of(lines: list[tuple[int, str]]) -> str:
    """The host whose syntax the lines use: GitHub has neither sections nor exclusions."""
    return GITLAB if any(line.startswith("!") or HEADER.fullmatch(line) for _, line in lines) else GITHUB


def _entry(line: str) -> tuple[str, list[str]]:
    """A line's pattern, and the words after it."""
    found = ENTRY.match(line)
    return (found[1], _words(found[2])) if found else ("", [])


def _words(text: str) -> list[str]:
    """The words between ASCII whitespace."""
    return [word for word in re.split(f"[{BLANK}]+", text) if word]


def _github(lines: list[tuple[int, str]]) -> Iterator[OwnerRule | Skipped]:
    """GitHub's rules; a line with anything it does not take is skipped as a whole."""
    for number, line in lines:
        pattern, words = _entry(line)
        comment = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
        owners = words[:comment]
        what = _github_fault(pattern, owners)
        if what:
            yield Skipped(number, what)
        else:
            yield OwnerRule(number, pattern, tuple(dict.fromkeys(owners)), regex=_github_regex(pattern))


def _github_fault(pattern: str, owners: list[str]) -> str:
    """Why GitHub skips a line and what it expects instead; "" where it does not."""
    unescaped = re.sub(r"\\.", "", pattern, flags=re.DOTALL)
    if pattern.startswith("!"):
        return "GitHub has no `!` patterns: give the path a later line without owners instead"
    if pattern.startswith("\\#"):
        return "GitHub cannot escape a `#` at the start: expected a pattern such as `?name` or `*name`"
    if "[" in unescaped:
        return "GitHub has neither sections nor `[ ]` ranges: expected a line for each character, or `?`"
    if unescaped.endswith("\\"):
        return "the `\\` at the end escapes nothing: expected a character after it"
    if pattern == "/":
        return "the pattern `/` matches nothing: expected `*` for everything"
    wrong = next((owner for owner in owners if not GITHUB_OWNER.fullmatch(owner)), None)
    return f"`{wrong}` is no owner: expected @user, @organization/team or an email address" if wrong else ""


def _github_regex(pattern: str) -> re.Pattern[str]:
    """A gitignore pattern: from the root if it has a slash before its end, else at any depth."""
    directory = pattern.endswith("/")
    segments = pattern.removesuffix("/").split("/")
    anchored = len(segments) > 1
    if anchored and not segments[0]:
        segments = segments[1:]
    elif not anchored and segments != [ANY_DEPTH]:
        segments = [ANY_DEPTH, *segments]
    if directory:
        # `**/` is any directory, and what counts is what it holds.
        return _regex([*segments, "*"] if segments[-1] == ANY_DEPTH else segments, INSIDE)
    # `docs/*` is the children only, where `docs/a*` is also all inside a child that is a directory.
    children = anchored and bool(segments[-1]) and not segments[-1].strip("*")
    return _regex(segments, EXACT if children else OR_INSIDE)


def _gitlab(lines: list[tuple[int, str]]) -> Iterator[OwnerRule | Skipped]:
    """GitLab's rules; a line without owners has those of the section header above it."""
    section = ""
    defaults: tuple[str, ...] = ()
    names: dict[str, str] = {}
    for number, line in lines:
        header = HEADER.fullmatch(line)
        if header and header[1].strip():
            name = header[1].strip()
            # Two sections whose names differ in case only are one, named as the first.
            section = names.setdefault(name.casefold(), name)
            defaults = _gitlab_owners(_words(header[2] or ""))
        elif header:
            yield Skipped(number, "a section has no name: expected `[Name]`")
        else:
            yield _gitlab_rule(number, line, section, defaults)


def _gitlab_rule(number: int, line: str, section: str, defaults: tuple[str, ...]) -> OwnerRule | Skipped:
    """The rule of one line in a section."""
    pattern, words = _entry(line)
    if not pattern.startswith("!"):
        # Words that are no owners still count as given: such a line has nobody, not the section's owners.
        owners = _gitlab_owners(words) if words else defaults
        return OwnerRule(number, pattern, owners, section, regex=_gitlab_regex(pattern))
    excluded = pattern[1:]
    if not excluded:
        return Skipped(number, "an exclusion excludes nothing: expected a pattern right after `!`")
    return OwnerRule(number, excluded, (), section, exclusion=True, regex=_gitlab_regex(excluded))


def _gitlab_owners(words: list[str]) -> tuple[str, ...]:
    """The owners among words: GitLab passes over what is none, and so reads those of a comment too."""
    return tuple(dict.fromkeys(word for word in words if GITLAB_OWNER.fullmatch(word)))


def _gitlab_regex(pattern: str) -> re.Pattern[str]:
    """A pattern of Ruby's fnmatch with whole paths: from the root after a slash, else at any depth."""
    segments = pattern.split("/")
    segments = segments[1:] if not segments[0] else [ANY_DEPTH, *segments]
    if not segments[-1]:
        segments[-1:] = [ANY_DEPTH, "*"]
    elif segments[-1] == ANY_DEPTH:
        # Only before a slash does `**` cross directories.
        segments[-1] = "*"
    return _regex(segments, EXACT, ranges=True)


def _regex(segments: list[str], end: str, *, ranges: bool = False) -> re.Pattern[str]:
    """The segments of a pattern as a regex that needs time linear in the path.

    What stands between two `**` has a fixed number of segments, so that its first place is as good as any later one:
    each is searched once, in an atomic group, and never again.
    """
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment != ANY_DEPTH:
            runs[-1].append(_glob(segment, ranges))
        elif runs[-1] or len(runs) == 1:
            runs.append([])
    parts = []
    for at, run in enumerate(runs):
        last = at == len(runs) - 1
        if run:
            part = "/".join(run) + (end if last else "/")
            parts.append(rf"(?>(?:[^/]*+/)*?{part})" if at else part)
        elif last:
            # After the last slash a `**` takes all that is left, and something must be.
            parts.append(".")
    return re.compile("".join(parts), re.DOTALL)


def _glob(segment: str, ranges: bool) -> str:
    """One segment as a regex; each run between two `*` has a fixed length and is searched once, as above."""
    runs = [""]
    at = 0
    while at < len(segment):
        char, after = segment[at], at + 1
        if char == "*":
            runs.append("")
        elif char == "?":
            runs[-1] += "[^/]"
        elif char == "[" and ranges:
            one, after = _range(segment, after)
            runs[-1] += one
        else:
            if char == "\\" and after < len(segment):
                char, after = segment[after], after + 1
            runs[-1] += re.escape(char)
        at = after
    if len(runs) == 1:
        return runs[0]
    if not any(runs):
        return "[^/]++"
    middle = "".join(f"(?>[^/]*?{run})" for run in runs[1:-1] if run)
    return runs[0] + middle + (rf"(?>[^/]*?{runs[-1]}(?=/|\Z))" if runs[-1] else "[^/]*+")


def _range(segment: str, at: int) -> tuple[str, int]:
    """A `[ ]` range that begins before a place, as a regex, and the place after it; one without end never matches."""
    found = RANGE.match(segment, at)
    if not found:
        return "(?!)", len(segment)
    parts = []
    for low, high in SPAN.findall(found[2]):
        first, last = low[-1], (high or low)[-1]
        if first <= last:
            parts.append(f"{re.escape(first)}-{re.escape(last)}")
    inside = f"[{''.join(parts)}]" if parts else "(?!)"
    return (f"(?!{inside})[^/]" if found[1] else f"(?!/){inside}"), found.end()
