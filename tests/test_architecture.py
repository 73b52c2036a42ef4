"""The laws of the architecture, held by reading the code; each is also seen to catch a planted fault."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("accounts", "program", "teams", "nudges", "reviews", "web")
"""Imports point to the left only."""
ABOVE = ("demo", "bench", "drills")
"""They stand on top of all rooms and no room imports them."""
WIRING = "config"
PURE = ("program/rules/", "program/feeds/")
DOORS = re.compile(
    r"^((web|demo)/pages/.+|web/api/.+|web/ops|[a-z]+/tasks|.*/management/commands/.+|[a-z]+/admin)\.py$"
)
BANNED = {"utils", "helpers", "common", "misc", "services", "helper", "util"}
CLOCKS = {
    ("timezone", "now"), ("timezone", "localdate"), ("datetime", "now"), ("datetime", "today"), ("datetime", "utcnow"),
    ("date", "today"), ("time", "time"), ("clock", "now"), ("clock", "today"),
}  # fmt: skip
MAY_READ_THE_CLOCK = re.compile(r"^(accounts/clock|config/.*|demo/.*|bench/.*|drills/.*)\.py$")

Files = Mapping[str, ast.Module]
Law = Callable[[Files], Iterator[str]]


def parse(root: Path) -> dict[str, ast.Module]:
    """All modules of the project by path, but for tests, migrations and the virtual environment."""
    found = {}
    for top in (*ROOMS, *ABOVE, WIRING):
        for path in sorted((root / top).rglob("*.py")) if (root / top).exists() else ():
            name = path.relative_to(root).as_posix()
            if "/migrations/" not in name:
                found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(name: str, tree: ast.Module, files: Files) -> Iterator[tuple[str, int]]:
    """(path of an imported module of the project, line), function-level imports too."""
    package = name.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from ((found, node.lineno) for found in _paths(alias.name.split("."), files))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = base + (node.module.split(".") if node.module else [])
            for alias in node.names:
                found = list(_paths([*module, alias.name], files)) or list(_paths(module, files))
                yield from ((path, node.lineno) for path in found)


def _paths(parts: list[str], files: Files) -> Iterator[str]:
    stem = "/".join(parts)
    for path in (f"{stem}.py", f"{stem}/__init__.py"):
        if path in files:
            yield path


def room_of(path: str) -> str:
    return path.split("/")[0]


def arrows_point_down(files: Files) -> Iterator[str]:
    """Law 1: web → reviews → nudges → teams → program → accounts."""
    order = {room: place for place, room in enumerate((*ROOMS, *ABOVE))}
    for name, tree in files.items():
        for other, line in imports(name, tree, files):
            if WIRING in (room_of(name), room_of(other)) or room_of(name) in ABOVE:
                continue
            if order[room_of(other)] > order[room_of(name)]:
                yield f"{name}:{line} imports {other}, against the arrows"


def nobody_imports_the_wiring(files: Files) -> Iterator[str]:
    """Law 1: config wires and nobody imports it."""
    for name, tree in files.items():
        for other, line in imports(name, tree, files):
            if room_of(other) == WIRING and room_of(name) not in (WIRING, *ABOVE):
                yield f"{name}:{line} imports {other}"


def no_circles(files: Files) -> Iterator[str]:
    """Law 1: no circles between files."""
    graph = {name: sorted({other for other, _ in imports(name, tree, files)} - {name}) for name, tree in files.items()}
    state: dict[str, int] = {}

    def visit(name: str, way: list[str]) -> Iterator[str]:
        state[name] = 1
        for other in graph[name]:
            if state.get(other) == 1:
                yield "circle: " + " → ".join([*way[way.index(other) :], other])
            elif other not in state:
                yield from visit(other, [*way, other])
        state[name] = 2

    for name in graph:
        if name not in state:
            yield from visit(name, [name])


def rules_are_pure(files: Files) -> Iterator[str]:
    """Law 3: rules and feeds import no Django and read no clock."""
    for name, tree in files.items():
        if not name.startswith(PURE):
            continue
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for module in modules:
                if module.split(".")[0] in ("django", "rest_framework", "celery", "accounts", "requests", "socket"):
                    yield f"{name}:{node.lineno} imports {module}"
        yield from (f"{name}:{line} reads the clock" for line in clock_reads(tree))


def clock_reads(tree: ast.Module) -> Iterator[int]:
    """Lines that call a clock; `today(zone, at)` of accounts.clock with a moment given reads none."""
    from_clock = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("clock")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name | ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else called.value.attr
            if (owner, called.attr) in CLOCKS and not (
                owner == "clock" and called.attr == "today" and len(node.args) > 1
            ):
                yield node.lineno
        elif isinstance(called, ast.Name) and called.id in from_clock:
            given = len(node.args) + len(node.keywords)
            if (called.id, given) in {("now", 0), ("today", 1), ("latest_today", 0), ("days_ahead", 0)}:
                yield node.lineno


def only_doors_read_the_clock(files: Files) -> Iterator[str]:
    """Law 4: doors read the clock and pass `now` in."""
    for name, tree in files.items():
        if not DOORS.match(name) and not MAY_READ_THE_CLOCK.match(name):
            yield from (f"{name}:{line} reads the clock and is no door" for line in clock_reads(tree))


def nothing_imports_a_door(files: Files) -> Iterator[str]:
    """Law 4: nothing imports a door but urls (and doors beside it in the API's own folder)."""
    for name, tree in files.items():
        for other, line in imports(name, tree, files):
            beside = name.startswith("web/api/") and other.startswith("web/api/")
            if DOORS.match(other) and not name.endswith("urls.py") and not beside and not other.endswith("__init__.py"):
                yield f"{name}:{line} imports the door {other}"


def plotly_in_one_place(files: Files) -> Iterator[str]:
    """Law 5: charts are drawn in web/charts.py only."""
    for name, tree in files.items():
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            if name != "web/charts.py" and any(module.split(".")[0] == "plotly" for module in modules):
                yield f"{name}:{node.lineno} imports plotly"


def names_say_what_it_is(files: Files) -> Iterator[str]:
    """Law 6: no module called utils, helpers, common, misc or services."""
    for name in files:
        if set(Path(name).with_suffix("").parts) & BANNED:
            yield f"{name} does not say what it is"


def modules_open_with_a_sentence(files: Files) -> Iterator[str]:
    """Law 6: a module opens with one sentence that says its job."""
    for name, tree in files.items():
        first = (ast.get_docstring(tree) or "").split("\n\n")[0].strip()
        if tree.body and not first.endswith((".", "…", "!")):
            yield f"{name} opens with {first[:60]!r}, not with a sentence"


def signals_carry_no_rules(files: Files) -> Iterator[str]:
    """What we avoid: business rules in signals."""
    for name, tree in files.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("django.db.models.signals", "django.dispatch")
            ):
                yield f"{name}:{node.lineno} uses signals"


LAWS: dict[Law, tuple[str, str]] = {
    arrows_point_down: ("teams/planted.py", "def late():\n    from nudges import models\n"),
    nobody_imports_the_wiring: ("web/planted.py", "from config import settings\n"),
    no_circles: ("program/planted.py", "from program import planted_too\n"),
    rules_are_pure: ("program/rules/planted.py", "from datetime import date\nTODAY = date.today()\n"),
    only_doors_read_the_clock: ("teams/planted.py", "from accounts.clock import now\nAT = now()\n"),
    nothing_imports_a_door: ("nudges/planted.py", "from nudges.tasks import plan_due\n"),
    plotly_in_one_place: ("web/planted.py", "import plotly.graph_objects as go\n"),
    names_say_what_it_is: ("teams/utils.py", '"""Says a sentence."""\n'),
    modules_open_with_a_sentence: ("teams/planted.py", "X = 1\n"),
    signals_carry_no_rules: ("teams/planted.py", "from django.db.models.signals import post_save\n"),
}


@pytest.fixture(scope="module")
def files() -> dict[str, ast.Module]:
    return parse(ROOT)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_law_holds(law: Law, files: Files) -> None:
    assert list(law(files)) == []


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_law_catches_a_planted_fault(law: Law, files: Files) -> None:
    name, text = LAWS[law]
    planted = dict(files) | {name: ast.parse(text)}
    if law is no_circles:
        planted["program/planted_too.py"] = ast.parse("from . import planted\n")
    if law is nobody_imports_the_wiring:
        planted.setdefault("config/settings.py", ast.parse(""))
    assert [fault for fault in law(planted) if name.split("/")[-1] in fault], f"{law.__name__} did not see {name}"


def test_every_room_was_read(files: Files) -> None:
    assert {room_of(name) for name in files} >= {*ROOMS, "config", "demo"}
    assert len(files) > 60
