"""Hostile bodies as data: what each is, how it is read, its bytes, and a part of what the refusal has to say."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from tests.people import HEADER

NESTED = "nested at most 32 deep"
FINITE = "finite"
DAY = "2026-03-01"


class Hostile(NamedTuple):
    """A body that is refused by every door that takes its kind."""

    name: str
    kind: str
    body: bytes
    says: str
    line: int = 0
    """the line (CSV) or position (JSON) that the refusal names"""


class Odd(NamedTuple):
    """A body that is legal though odd: stored exactly. `items` are those of its one snapshot."""

    name: str
    kind: str
    body: bytes
    items: dict[str, Any]


def line(
    metric: str = "findings", team: str = "api", item: str = "a.py", as_of: str = DAY, above: str = "1", below: str = ""
) -> str:
    """One line of CSV; the fields as they are to stand there."""
    return f"{metric},{team},{item},{as_of},{above},{below}\n"


def csv(*lines: str) -> bytes:
    """The header and these lines."""
    return (HEADER + "".join(lines)).encode("utf-8", "surrogatepass")


GOOD = line(item="good.py")


def observation(**fields: Any) -> dict[str, Any]:
    """One observation as JSON has it."""
    return {"metric": "findings", "team": "api", "item": "a.py", "as_of": DAY, "numerator": 1} | fields


def observations(*rows: Any, **more: Any) -> bytes:
    """A JSON body of these observations."""
    return json.dumps({"observations": list(rows)} | more).encode()


def raw(text: str, name: str = "numerator") -> bytes:
    """A JSON body whose second observation has this text, as it stands, as one of its values."""
    fields = {"metric": '"findings"', "team": '"api"', "item": '"a.py"', "as_of": f'"{DAY}"', "numerator": "1"}
    fields[name] = text
    second = ",".join(f'"{key}":{value}' for key, value in fields.items())
    return (f'{{"observations":[{json.dumps(observation(item="good.py"))},{{{second}}}]}}').encode()


def deep(levels: int, inside: str = "1") -> str:
    """Lists in lists."""
    return "[" * levels + inside + "]" * levels


def objects(levels: int) -> str:
    """Objects in objects."""
    return '{"a":' * levels + "1" + "}" * levels


def zipped(name: str, data: bytes) -> bytes:
    """A zip archive with one file."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return held.getvalue()


def of_csv() -> Iterator[Hostile]:
    """The observations CSV: lines, then whole files."""
    number, day = "numerator is a number such as 12 or 0.5", "as_of is a date as YYYY-MM-DD"
    numbers = {
        "NaN": "NaN", "nan": "nan", "Infinity": "Infinity", "minus Infinity": "-Infinity", "inf": "inf", "true": "true",
        "full-width digits": "１２", "Arabic digits": "١٢", "superscript digits": "1²", "underscore": "1_000",
        "hexadecimal": "0x10", "plus": "+1", "leading space": " 1", "trailing space": "1 ", "empty": "", "dot": ".5",
        "dot at the end": "1.", "thousands": "1'000", "a fraction": "1/2", "percent": "90%", "an exponent alone": "e5",
        "a huge exponent": "1e99999", "5,000 digits": "9" * 5000, "a minus sign": "\u2212" + "1",
        "no-break space": "1\u00a0000", "a list": "[1]", "a formula": "=1+1",
    }  # fmt: skip
    for name, text in numbers.items():
        yield Hostile(f"numerator {name}", "csv", csv(GOOD, line(above=text)), number, 3)
    yield Hostile("numerator 1e999", "csv", csv(GOOD, line(above="1e999")), f"numerator is a {FINITE} number", 3)
    yield Hostile("numerator -1e999", "csv", csv(GOOD, line(above="-1e999")), f"numerator is a {FINITE} number", 3)
    yield Hostile("numerator of 310 digits", "csv", csv(GOOD, line(above="9" * 310)), FINITE, 3)
    yield Hostile("denominator NaN", "csv", csv(line("typed-functions", below="NaN")), "denominator is a number", 2)
    yield Hostile("denominator 1e999", "csv", csv(line("typed-functions", below="1e999")), FINITE, 2)
    days = {
        "naive": "yesterday", "of one digit": "2026-3-1", "American": "03/01/2026", "year 0": "0000-01-01",
        "year 10000": "10000-01-01", "a moment": "2026-03-01T00:00", "a moment in UTC": "2026-03-01T00:00:00Z",
        "full-width": "２０２６-03-01", "Arabic": "٢٠٢٦-٠٣-٠١", "a week": "2026-W09-1", "an ordinal": "2026-060",
        "seconds": "1772323200", "empty": "", "with a space": "2026-03-01 ", "negative": "-2026-03-01", "basic": "20260301",
    }  # fmt: skip
    for name, text in days.items():
        words = "as_of is a date of the calendar" if name == "year 0" else day
        yield Hostile(f"day {name}", "csv", csv(GOOD, line(as_of=text)), words, 3)
    for text in ("2026-02-30", "2026-13-01", "2026-00-10"):
        yield Hostile(f"no such day {text}", "csv", csv(line(as_of=text)), "as_of is a date of the calendar", 2)
    for text in ("1969-12-31", "0001-01-01"):
        yield Hostile(f"long ago {text}", "csv", csv(line(as_of=text)), "as_of is 1970-01-01 or later", 2)
    for text in ("2026-03-18", "2027-01-01", "9999-12-31"):
        yield Hostile(f"future {text}", "csv", csv(line(as_of=text)), f"as_of {text} is in the future", 2)
    yield Hostile("unknown metric", "csv", csv(GOOD, line("nonsense")), "metric 'nonsense' is not known here", 3)
    yield Hostile("empty metric", "csv", csv(GOOD, line("")), "metric '' is not known here", 3)
    yield Hostile("metric in capitals", "csv", csv(GOOD, line("FINDINGS")), "metric 'FINDINGS' is not known", 3)
    yield Hostile("unknown team", "csv", csv(GOOD, line(team="nobody")), "team 'nobody' is not known", 3)
    yield Hostile("a group as team", "csv", csv(line(team="engineering")), "'engineering' is a group", 2)
    yield Hostile("a team with a space", "csv", csv(line(team=" api")), "team ' api' is not known", 2)
    yield Hostile("team injects", "csv", csv(line(team="api' OR '1'='1")), "is not known", 2)
    yield Hostile("an item twice", "csv", csv(GOOD, GOOD), "item 'good.py' stands once in the snapshot", 3)
    yield Hostile("the whole team twice", "csv", csv(line(item=""), line(item="")), "stands once in the snapshot", 3)
    yield Hostile("named items, then none", "csv", csv(GOOD, line(item="")), "named items or one figure without", 3)
    yield Hostile("no item, then a named one", "csv", csv(line(item=""), GOOD), "named items or one figure without", 3)
    yield Hostile("a ratio without denominator", "csv", csv(line("typed-functions")), "a denominator of 0 or more", 2)
    negative = csv(line("typed-functions", below="-1"))
    yield Hostile("a negative denominator", "csv", negative, "a denominator of 0 or more", 2)
    yield Hostile("a sum with denominator", "csv", csv(line(below="1")), "an empty denominator was expected", 2)
    both = csv(line("release", item="a"), line("release", item="b"))
    yield Hostile("a second row for latest", "csv", both, "release is a latest: one line was expected", 3)
    big = csv(line(item="a", above="1.7e308"), line(item="b", above="1.7e308"))
    yield Hostile("numbers that add up to infinity", "csv", big, FINITE)
    low = csv(line("typed-functions", item="a", below="1.7e308"), line("typed-functions", item="b", below="1.7e308"))
    yield Hostile("denominators that add up to infinity", "csv", low, FINITE)
    for name, text in {
        "a bell": "a\x07b", "an escape": "a\x1b[31mb", "delete": "a\x7fb", "a tab": "a\tb", "a C1 control": "a\x85b",
        "a C1 escape": "a\x9b31mb",
    }.items():  # fmt: skip
        yield Hostile(f"item with {name}", "csv", csv(line(item=text)), "item has no control characters", 2)
    yield Hostile("item with a line end", "csv", csv(line(item='"a\nb"')), "item has no control characters", 3)
    yield Hostile("item too long", "csv", csv(line(item="a" * 1001)), "item has at most 1000 characters, not 1001", 2)
    yield Hostile("metric too long", "csv", csv(line("m" * 81)), "metric has at most 80 characters, not 81", 2)
    yield Hostile("team too long", "csv", csv(line(team="t" * 101)), "team has at most 100 characters", 2)
    sourced = HEADER.strip() + ",source\n" + GOOD.strip() + ","
    yield Hostile("source too long", "csv", (sourced + "s" * 301).encode(), "source has at most 300 characters", 2)
    yield Hostile("source with a bell", "csv", (sourced + "s\x07").encode(), "source has no control characters", 2)
    yield Hostile("NUL", "csv", csv(GOOD, line(item="a\x00b")), "no NUL characters", 3)
    yield Hostile("a surrogate in UTF-8", "csv", csv(GOOD, line(item="a\ud800")), "the file is UTF-8", 3)
    yield Hostile("bad UTF-8", "csv", csv(GOOD) + b"findings,api,\xff,2026-03-01,1,\n", "the file is UTF-8", 3)
    yield Hostile("overlong UTF-8", "csv", csv(GOOD) + b"findings,api,\xc0\xaf,2026-03-01,1,\n", "the file is UTF-8", 3)
    yield Hostile("cut UTF-8", "csv", csv() + b"findings,api,\xe2\x82", "the file is UTF-8", 2)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield Hostile(encoding, "csv", csv(GOOD).decode().encode(encoding), "the file")
    yield Hostile("latin-1", "csv", csv(GOOD) + "findings,api,é,2026-03-01,1,\n".encode("latin-1"), "is UTF-8", 3)
    yield Hostile("EBCDIC", "csv", csv(GOOD).decode().encode("cp500"), "the file")
    yield Hostile("two byte order marks", "csv", b"\xef\xbb\xbf" * 2 + csv(GOOD), "metric is missing", 1)
    yield Hostile("empty", "csv", b"", "the first line is the header")
    yield Hostile("blank lines", "csv", b"\n\n\n", "the first line is the header")
    yield Hostile("a byte order mark alone", "csv", b"\xef\xbb\xbf", "the first line is the header")
    yield Hostile("the header alone", "csv", csv(), "at least one observation was expected")
    yield Hostile("no header", "csv", GOOD.encode(), "the first line is the header", 1)
    yield Hostile("a column too few in the header", "csv", b"metric,team,item\n", "as_of is missing", 1)
    yield Hostile("an unknown column", "csv", csv(GOOD).replace(b"item", b"thing"), "'thing' is not known", 1)
    twice = HEADER.strip() + ",source,source\n" + GOOD.strip() + ",,\n"
    yield Hostile("a column twice", "csv", twice.encode(), "a name stands twice", 1)
    yield Hostile("a header in capitals", "csv", csv(GOOD).replace(b"metric", b"METRIC", 1), "'METRIC' is not known", 1)
    yield Hostile("a full-width header", "csv", csv(GOOD).replace(b"team", "ｔｅａｍ".encode()), "team is missing", 1)
    yield Hostile("a cell too few", "csv", csv(f"findings,api,a,{DAY},1\n"), "6 cells were expected", 2)
    yield Hostile("a cell too many", "csv", csv(f"findings,api,a,{DAY},1,,\n"), "6 cells were expected", 2)
    yield Hostile("tabs", "csv", csv(GOOD).replace(b",", b"\t"), "the first line is the header", 1)
    yield Hostile("semicolons after commas", "csv", csv(GOOD.replace(",", ";")), "6 cells were expected", 2)
    yield Hostile("commas after semicolons", "csv", HEADER.replace(",", ";").encode() + GOOD.encode(), "6 cells", 2)
    yield Hostile("an open quote", "csv", csv(GOOD, f'findings,api,"a,{DAY},1,\n'), "a line of CSV was expected", 3)
    yield Hostile("text after a quote", "csv", csv(f'findings,api,"a"b,{DAY},1,\n'), "a line of CSV was expected", 2)
    yield Hostile("a quote within", "csv", csv(f'findings,api,"a"b"c",{DAY},1,\n'), "a line of CSV was expected", 2)
    yield Hostile("a lone carriage return", "csv", csv(f"findings,api,a\rb,{DAY},1,\n"), "", 2)
    yield Hostile(
        "a field of 200,000 characters",
        "csv",
        csv(line(item="x" * 200_000)),
        "a cell has at most 131,072 characters",
        2,
    )
    yield Hostile("100,000 columns", "csv", b"metric,numerator," + b"c," * 100_000 + b"\n", "'c' is not known", 1)
    yield Hostile("100,000 cells", "csv", csv("," * 100_000 + "\n"), "6 cells were expected", 2)
    yield Hostile("one line of a megabyte", "csv", b"x" * 1_000_000, "a cell has at most 131,072 characters")
    yield Hostile("JSON as CSV", "csv", observations(observation()), "the first line is the header", 1)
    yield Hostile("HTML as CSV", "csv", b"<!doctype html><title>Sign in</title>", "the first line is the header", 1)
    yield Hostile("SQL as CSV", "csv", b"SELECT 1; DROP TABLE teams_run;\n", "the first line is the header", 1)
    yield Hostile("150 bad lines", "csv", csv(line(above="x") * 150), number, 101)


def of_json() -> Iterator[Hostile]:
    """The observations JSON."""
    for name, text in {"NaN": "NaN", "Infinity": "Infinity", "minus Infinity": "-Infinity"}.items():
        yield Hostile(name, "json", raw(text), f"numbers are finite; {text} is not")
    for name, text in {
        "1e999": "1e999", "-1e999": "-1e999", "400 digits": "9" * 400, "1e309": "1e309",
    }.items():  # fmt: skip
        yield Hostile(name, "json", raw(text), f"numerator is a {FINITE} number", 2)
    yield Hostile("5,000 digits", "json", raw("9" * 5000), "a JSON document was expected")
    yield Hostile("an exponent of 5,000 digits", "json", raw("1e" + "9" * 5000), FINITE, 2)
    for name, text in {
        "true": "true", "false": "false", "null": "null", "a string": '"1"', "a list": "[1]", "an object": '{"a":1}',
        "full-width digits in a string": '"１"',
    }.items():  # fmt: skip
        yield Hostile(f"numerator {name}", "json", raw(text), "numerator is a number, not", 2)
    for name, text in {"underscore": "1_000", "hexadecimal": "0x10", "plus": "+1", "full-width": "１", "dot": ".5",
                       "a zero in front": "01", "nothing": ""}.items():  # fmt: skip
        yield Hostile(f"numerator {name}", "json", raw(text), "a JSON document was expected")
    for name, value in {"true": True, "a string": "10", "a list": [10]}.items():
        body = observations(observation(metric="typed-functions", denominator=value))
        yield Hostile(f"denominator {name}", "json", body, "denominator is a number, not", 1)
    body = observations(observation(metric="typed-functions", denominator=-1))
    yield Hostile("denominator negative", "json", body, "a denominator of 0 or more", 1)
    body = observations(observation(metric="typed-functions", denominator=None))
    yield Hostile("denominator null", "json", body, "a denominator of 0 or more", 1)
    for name in ("metric", "team", "item", "source"):
        for kind, value in {"a number": 1, "a list": ["a"], "an object": {}, "true": True}.items():
            body = observations(observation(item="good.py"), observation(**{name: value}))
            yield Hostile(f"{name} {kind}", "json", body, f"{name} is a string, not", 2)
        yield Hostile(f"{name} with NUL", "json", raw('"a\\u0000b"', name), f"{name} has no control characters", 2)
        yield Hostile(f"{name} with half a pair", "json", raw('"a\\ud800"', name), "no half characters", 2)
    yield Hostile("the other half", "json", raw('"\\udfff"', "item"), "no half characters", 2)
    yield Hostile("metric null", "json", raw("null", "metric"), "metric is a string, not None", 2)
    yield Hostile("day a number", "json", raw("20260301", "as_of"), "as_of is a date as YYYY-MM-DD", 2)
    yield Hostile("day null", "json", raw("null", "as_of"), "as_of is a date as YYYY-MM-DD", 2)
    yield Hostile("day with a moment", "json", raw(f'"{DAY}T00:00:00Z"', "as_of"), "as_of is a date as YYYY-MM-DD", 2)
    yield Hostile("day in the future", "json", raw('"2026-03-20"', "as_of"), "is in the future", 2)
    yield Hostile("day 1969", "json", raw('"1969-12-31"', "as_of"), "1970-01-01 or later", 2)
    yield Hostile("33 deep", "json", raw(deep(31), "numerator"), "numerator is a number")
    yield Hostile("lists 100,000 deep", "json", f'{{"observations":{deep(100_000)}}}'.encode(), NESTED)
    yield Hostile("lists 100,000 deep, never closed", "json", b"[" * 100_000, NESTED)
    yield Hostile("objects 100,000 deep", "json", f'{{"observations":[{objects(100_000)}]}}'.encode(), NESTED)
    yield Hostile("objects 40 deep", "json", f'{{"observations":[{objects(40)}]}}'.encode(), "as_of is missing")
    twice = b'{"observations":[],"observations":[]}'
    yield Hostile("a name twice", "json", twice, "'observations' stands twice")
    inside = raw('1,"numerator":2')
    yield Hostile("a name twice in an observation", "json", inside, "'numerator' stands twice")
    escaped = raw('1,"num\\u0065rator":2')
    yield Hostile("a name twice, once escaped", "json", escaped, "'numerator' stands twice")
    names = ",".join(f'"k{number}":1' for number in range(50_000))
    yield Hostile("50,000 names, the last one twice", "json", f'{{{names},"k49999":2}}'.encode(), "stands twice")
    yield Hostile("100,000 unknown names", "json", f'{{"observations":[{{{names[:1_000_000]}}}]}}'.encode()
                  if names[:1_000_000].endswith("1") else f'{{"observations":[{{{names}}}]}}'.encode(),
                  "metric is missing", 1)  # fmt: skip
    yield Hostile("an unknown name", "json", observations(observation(x=1)), "'x' is not known", 1)
    yield Hostile("an unknown name with half a pair", "json", observations(observation(**{"\ud800": 1})), "known", 1)
    yield Hostile("an unknown name beside", "json", observations(observation(), more=1), "'more' is not")
    yield Hostile("an unknown name beside, NUL", "json", observations(observation(), **{"\0": 1}), "nothing is known")
    yield Hostile("no metric", "json", observations({"as_of": DAY, "numerator": 1}), "metric is missing", 1)
    yield Hostile("no day", "json", observations({"metric": "findings", "numerator": 1}), "as_of is missing", 1)
    for name, row in {"a list": [], "null": None, "a string": "a", "a number": 1}.items():
        yield Hostile(f"an observation {name}", "json", observations(row), "an observation is an object", 1)
    for name, text in {"a list": "[]", "null": "null", "a string": '"a"', "a number": "1", "an object": "{}",
                       "a list within": '{"observations":{}}'}.items():  # fmt: skip
        yield Hostile(f"the document {name}", "json", text.encode(), '{"observations": […]} was expected')
    for name, text in {"empty": "", "blank": "  \n", "cut": '{"observations":[', "a comma at the end": '{"a":1,}',
                       "two documents": '{"observations":[]}{}', "single quotes": "{'observations':[]}", "a comment":
                       '{"observations":[]}//', "a bare word": "observations", "a control in a string": '{"a":"\x01"}',
                       "a bad escape": '{"a":"\\x"}', "half an escape": '{"a":"\\u12"}'}.items():  # fmt: skip
        yield Hostile(f"the document {name}", "json", text.encode(), "a JSON document was expected")
    yield Hostile("no observations", "json", observations(), "at least one observation was expected")
    yield Hostile("complete is an object", "json", observations(observation(), complete={}), '"complete" is a list')
    body = observations(observation(), complete=[{"metric": "findings"}])
    yield Hostile("complete without a day", "json", body, "a complete snapshot has metric and as_of", 1)
    body = observations(observation(), complete=[{"metric": "findings", "as_of": DAY, "team": "nobody"}])
    yield Hostile("complete of an unknown team", "json", body, "complete: team 'nobody' is not known", 1)
    body = observations(observation(), complete=[{"metric": "findings", "as_of": DAY, "source": "a\0"}])
    yield Hostile("complete with NUL", "json", body, "source has no control characters", 1)
    body = observations(complete=[{"metric": "findings", "as_of": "2030-01-01", "team": "api"}])
    yield Hostile("complete in the future", "json", body, "in the future", 1)
    yield Hostile("UTF-16", "json", observations(observation()).decode().encode("utf-16"), "the body is UTF-8")
    yield Hostile("UTF-16 without a mark", "json", observations(observation()).decode().encode("utf-16-le"), "NUL")
    yield Hostile("bad UTF-8", "json", raw('"\u00ff"', "item").decode().encode("latin-1"), "the body is UTF-8")
    yield Hostile("a surrogate in UTF-8", "json", raw('"\ud800"', "item") if False else
                  raw('"X"', "item").replace(b"X", b"\xed\xa0\x80"), "the body is UTF-8")  # fmt: skip
    yield Hostile("a NUL byte", "json", observations(observation()) + b"\0", "NUL")
    yield Hostile("an item twice", "json", observations(observation(), observation()), "stands once in the", 2)
    body = observations(observation(), observation(item=""))
    yield Hostile("an item null beside named ones", "json", body, "named items or one figure", 2)
    body = observations(observation(item="a", numerator=1.7e308), observation(item="b", numerator=1.7e308))
    yield Hostile("numbers that add up to infinity", "json", body, FINITE)


SARIF: dict[str, Any] = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "x", "rules": [{"id": "S1", "defaultConfiguration": {"level": "error"}}]}},
            "artifacts": [{"location": {"uri": "b.py"}}],
            "results": [
                {
                    "ruleId": "S1",
                    "level": "error",
                    "message": {"text": "x"},
                    "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.py"}}}],
                }
            ],
        }
    ],
}


def sarif(path: str, value: Any) -> bytes:
    """The document above with another value at a place, such as runs.0.results.0.level."""
    document = json.loads(json.dumps(SARIF))
    *way, last = (int(step) if step.isdecimal() else step for step in path.split("."))
    place = document
    for step in way:
        place = place[step]
    place[last] = value
    return json.dumps(document).encode()


SARIF_SHAPES: dict[str, tuple[str, ...]] = {
    "version": ("2.1.0",), "runs": ("runs", "list"), "runs.0": ("runs is a list of objects",),
    "runs.0.results": ("results",), "runs.0.results.0": ("results is a list of objects",),
    "runs.0.results.0.ruleId": ("ruleId is a string",), "runs.0.results.0.level": ("level is",),
    "runs.0.results.0.locations": ("locations is a list of objects",), "runs.0.results.0.rule": ("rule is",),
    "runs.0.results.0.suppressions": ("suppressions is a list of objects",), "runs.0.results.0.kind": ("kind is",),
    "runs.0.tool.driver.rules": ("rules is a list of objects",),
}  # fmt: skip
WRONG = {"null": None, "a number": 7, "a string": "x", "a list": [1], "an object": {"a": 1}, "true": True}
FINE = {
    ("runs.0.results.0.ruleId", "null"), ("runs.0.results.0.ruleId", "a string"), ("runs.0.results.0.level", "null"),
    ("runs.0.results.0.locations", "null"), ("runs.0.results.0.rule", "null"), ("runs.0.results.0.kind", "null"),
    ("runs.0.results.0.rule", "an object"), ("runs.0.results.0.suppressions", "null"),
    ("runs.0.tool.driver.rules", "null"),
    ("runs.0", "an object"), ("runs.0.results.0", "an object"),
}  # fmt: skip


def of_sarif() -> Iterator[Hostile]:
    """SARIF with a wrong type in every field that is read."""
    for path, says in SARIF_SHAPES.items():
        for name, value in WRONG.items():
            if (path, name) not in FINE:
                yield Hostile(f"{path} {name}", "sarif", sarif(path, value), says[0])
    yield Hostile("of another version", "sarif", sarif("version", "2.0.0"), '"version": "2.1.0"')
    yield Hostile("without runs", "sarif", b'{"version": "2.1.0"}', "runs is a list of objects")
    uri = "runs.0.results.0.locations.0.physicalLocation.artifactLocation.uri"
    yield Hostile("an address that is none", "sarif", sarif(uri, "http://[::"), "an address of a file was expected")
    yield Hostile("an item with NUL", "sarif", sarif(uri, "a\0b"), "item has no control characters")
    yield Hostile("an item with a quoted NUL", "sarif", sarif(uri, "file:///a%00b"), "item has no control characters")
    yield Hostile("an item with half a pair", "sarif", sarif(uri, "a\ud800"), "no half characters")
    yield Hostile("an item too long", "sarif", sarif(uri, "a" * 1001), "item has at most 1000 characters")
    yield Hostile(
        "a rule with NUL", "sarif", b'{"version":"2.1.0","runs":[{"results":[{"ruleId":["\\u0000"]}]}]}', "ruleId"
    )
    yield Hostile("NaN", "sarif", b'{"version":"2.1.0","runs":[],"x":NaN}', "NaN is not")
    yield Hostile("a name twice", "sarif", b'{"version":"2.1.0","runs":[],"runs":[]}', "'runs' stands twice")
    yield Hostile("deep", "sarif", b'{"version":"2.1.0","runs":' + deep(40).encode() + b"}", NESTED)
    yield Hostile("100,000 deep", "sarif", b'{"version":"2.1.0","runs":' + deep(100_000).encode() + b"}", NESTED)
    yield Hostile("5,000 digits", "sarif", b'{"version":"2.1.0","runs":[' + b"9" * 5000 + b"]}", "a JSON document")
    yield Hostile("a list", "sarif", b"[]", '"version": "2.1.0"')
    yield Hostile("empty", "sarif", b"", "empty")
    yield Hostile("UTF-16", "sarif", json.dumps(SARIF).encode("utf-16"), "the file is UTF-8")
    yield Hostile("cut", "sarif", json.dumps(SARIF).encode()[:200], "a JSON document was expected")


def ossf(**fields: Any) -> bytes:
    """A scorecard's JSON."""
    document = {"date": "2026-03-01", "repo": {"name": "x"}, "score": 7.5, "checks": [{"name": "A", "score": 5}]}
    return json.dumps(document | fields).encode()


def of_ossf() -> Iterator[Hostile]:
    """OpenSSF Scorecard."""
    for name, value in {
        "11": 11, "-2": -2, "-0.5": -0.5, "a string": "7", "true": True, "null": None, "a list": [7], "10.1": 10.1,
        "an object": {}, "10^400": 10**400,
    }.items():  # fmt: skip
        yield Hostile(f"score {name}", "ossf", ossf(score=value), "score is a number from 0 to 10, or -1")
        body = ossf(checks=[{"name": "A", "score": value}])
        yield Hostile(f"a check's score {name}", "ossf", body, "the score of A is a number from 0 to 10, or -1")
    yield Hostile("score NaN", "ossf", ossf().replace(b"7.5", b"NaN"), "NaN is not")
    yield Hostile("score 1e999", "ossf", ossf().replace(b"7.5", b"1e999"), "a number from 0 to 10")
    for name, value in {"null": None, "an object": {}, "a string": "x", "a list of strings": ["x"]}.items():
        yield Hostile(f"checks {name}", "ossf", ossf(checks=value), 'a list of "checks" was expected')
    for name, value in {"null": None, "a number": 1, "empty": "", "a list": ["A"]}.items():
        yield Hostile(
            f"a check's name {name}", "ossf", ossf(checks=[{"name": value, "score": 1}]), "a check has a name"
        )
    for score in (5, -1, 11):
        body = ossf(checks=[{"name": "A\0\ud800", "score": score}, {"name": "B\0", "score": 1}])
        yield Hostile(
            f"a check's name with NUL, score {score}", "ossf", body, "score of" if score == 11 else "item has no"
        )
    for name, value in {"NUL": "a\0", "half a pair": "\ud800", "301 characters": "r" * 301}.items():
        yield Hostile(f"repository with {name}", "ossf", ossf(repo={"name": value}), "source has")
        empty = ossf(repo={"name": value}, checks=[], score=-1)
        yield Hostile(f"repository with {name} and nothing else", "ossf", empty, "source has")
    yield Hostile("in the future", "ossf", ossf(date="2031-01-01"), "is in the future")
    yield Hostile("year 9999", "ossf", ossf(date="9999-12-31T23:59:59Z"), "is in the future")
    yield Hostile("empty", "ossf", b"", "empty")
    yield Hostile("a list", "ossf", b"[]", 'a list of "checks" was expected')
    yield Hostile("deep", "ossf", b'{"checks":' + deep(33).encode() + b"}", NESTED)


ENTITIES = {
    "billion laughs": '<!DOCTYPE r [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9))
    + "]>",
    "an external entity": '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "an entity from a server": '<!DOCTYPE r [<!ENTITY a SYSTEM "http://127.0.0.1:9/a">]>',
    "a parameter entity": '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p.dtd"> %p;]>',
    "a quadratic blow-up": f'<!DOCTYPE r [<!ENTITY a "{"x" * 100_000}">]>',
    "an unparsed entity": '<!DOCTYPE r [<!NOTATION n SYSTEM "x"><!ENTITY a SYSTEM "f" NDATA n>]>',
}
UNIT = '<testsuite><testcase classname="a" name="b" time="1">{}</testcase></testsuite>'
COVERED = (
    '<coverage><packages><package><classes><class filename="{file}"><lines><line number="{number}" hits="{hits}"/>'
    "</lines></class></classes></package></packages></coverage>"
)


def covered(file: str = "a.py", number: str = "1", hits: str = "1") -> str:
    """A Cobertura report of one line."""
    return COVERED.format(file=file, number=number, hits=hits)


def of_xml() -> Iterator[Hostile]:
    """JUnit and Cobertura."""
    for kind, root, body in (("junit", "testsuite", UNIT.format("&a;")), ("cobertura", "coverage", covered("&a;"))):
        for name, doctype in ENTITIES.items():
            says = "an XML document without entities was expected"
            yield Hostile(name, kind, (doctype + body).encode(), says)
        undefined = body.encode()
        yield Hostile("an entity that is not defined", kind, undefined, "an XML document was expected")
        yield Hostile("deep", kind, (f"<{root}>" + "<a>" * 40 + "</a>" * 40 + f"</{root}>").encode(), NESTED)
        yield Hostile("100,000 deep", kind, f"<{root}>".encode() + b"<a>" * 100_000, NESTED)
        yield Hostile("another root", kind, b"<html><body>Sign in</body></html>", f"<{root}")
        yield Hostile("another root, right inside", kind, f"<a>{body.replace('&a;', 'a')}</a>".encode(), f"<{root}")
        yield Hostile("empty", kind, b"", "empty")
        yield Hostile("blank", kind, b" \n ", "empty")
        yield Hostile("cut", kind, body.replace("&a;", "a").encode()[:-9], "an XML document was expected")
        yield Hostile("text after the end", kind, f"<{root}/>x".encode(), "an XML document was expected")
        yield Hostile("two roots", kind, f"<{root}/><{root}/>".encode(), "an XML document was expected")
        yield Hostile("an attribute twice", kind, f'<{root} a="1" a="1"/>'.encode(), "an XML document was expected")
        yield Hostile("an unknown encoding", kind, f'<?xml version="1.0" encoding="no"?><{root}/>'.encode(), "an XML")
        yield Hostile("UTF-7", kind, f'<?xml version="1.0" encoding="utf-7"?><{root} a="+ADw-\xe4"/>'.encode(), "")
        yield Hostile("a codec that is none", kind, f'<?xml version="1.0" encoding="hex"?><{root}/>'.encode(), "an XML")
        yield Hostile(
            "a codec of several bytes", kind, f'<?xml version="1.0" encoding="shift_jis"?><{root}/>'.encode(), "an XML"
        )
        yield Hostile("bad UTF-8", kind, f"<{root}>".encode() + b"\xff" + f"</{root}>".encode(), "an XML document")
        yield Hostile("a NUL", kind, f"<{root}>\0</{root}>".encode(), "an XML document was expected")
        yield Hostile("a NUL by number", kind, f"<{root}>&#0;</{root}>".encode(), "an XML document was expected")
        yield Hostile("half a pair by number", kind, f"<{root}>&#xD800;</{root}>".encode(), "an XML document")
        yield Hostile("JSON", kind, b"{}", "an XML document was expected")
        yield Hostile("a name space that is not bound", kind, f"<x:{root}/>".encode(), "an XML document was expected")
    many = " ".join(f'a{number}="1"' for number in range(200_000))
    yield Hostile("200,000 attributes on another root", "junit", f"<x {many}/>".encode(), "<testsuite")
    yield Hostile("a name too long", "junit", f'<testsuite><testcase file="{"a" * 1001}"/></testsuite>'.encode()
                  .replace(b"/></", b"><failure/></testcase></"), "item has at most 1000")  # fmt: skip
    yield Hostile(
        "a name with a line end",
        "junit",
        b'<testsuite><testcase name="a&#10;b"><failure/></testcase></testsuite>',
        "item has no control",
    )
    for name, text in {
        "empty": "",
        "a word": "many",
        "full-width": "１",
        "an underscore": "1_0",
        "huge": "9" * 30,
    }.items():
        yield Hostile(f"hits {name}", "cobertura", covered(hits=text).encode(), "a line's hits is a whole number")
        yield Hostile(
            f"a line's number {name}", "cobertura", covered(number=text).encode(), "a line's number is a whole"
        )
    yield Hostile("a file too long", "cobertura", covered("a" * 1001).encode(), "item has at most 1000 characters")
    yield Hostile("a file with a line end", "cobertura", covered("a&#10;b").encode(), "item has no control characters")
    unnamed = covered().replace(
        "</classes>", '<class filename=""><lines><line number="1" hits="1"/></lines></class></classes>'
    )
    yield Hostile("a file without a name beside another", "cobertura", unnamed.encode(), "named items or one figure")
    later = covered().replace("<coverage>", '<coverage timestamp="1900000000">')
    yield Hostile("in the future", "cobertura", later.encode(), "is in the future")
    later = UNIT.format("<failure/>").replace("<testsuite>", '<testsuite timestamp="2999-01-01T00:00:00">')
    yield Hostile("in the future", "junit", later.encode(), "is in the future")


def of_lcov() -> Iterator[Hostile]:
    """LCOV."""
    for name, text in {
        "a word": "DA:1,many", "full-width": "DA:1,１", "an underscore": "DA:1,1_0", "huge": "DA:1," + "9" * 30,
        "empty": "DA:1,", "a fraction": "DA:1,1.5", "NaN": "DA:1,NaN", "an exponent": "LF:1e3", "a plus": "LF:+1",
    }.items():  # fmt: skip
        body = f"TN:\nSF:a.py\n{text}\nend_of_record\n".encode()
        yield Hostile(f"a count {name}", "lcov", body, "line 3: a count is a whole number")
    yield Hostile("a record too short", "lcov", b"SF:a.py\nDA:1\nend_of_record\n", "line 2: DA has more parts")
    yield Hostile("a branch too short", "lcov", b"SF:a.py\nBRDA:1,2\nend_of_record\n", "line 2: BRDA has more parts")
    yield Hostile("a line that is none", "lcov", b"SF:a.py\nwhat\nend_of_record\n", "line 2: a record such as SF:file")
    yield Hostile("a record of no file", "lcov", b"DA:1,1\nend_of_record\n", "line 1: a record such as SF:file")
    yield Hostile(
        "a negative total",
        "lcov",
        b"SF:a.py\nLF:-5\nLH:1\nend_of_record\n",
        "line 2: LF is a number of 0 or more, not -5",
    )
    yield Hostile("empty", "lcov", b"", "empty")
    yield Hostile("blank", "lcov", b"\n \n", "empty")
    yield Hostile("a test name alone", "lcov", b"TN:unit\n", "SF:")
    yield Hostile("comments alone", "lcov", b"# nothing\n", "SF:")
    yield Hostile("HTML", "lcov", b"<html>Sign in</html>", "line 1: a record such as SF:file")
    yield Hostile("a NUL", "lcov", b"SF:a\x00.py\nDA:1,1\nend_of_record\n", "no NUL characters")
    yield Hostile("bad UTF-8", "lcov", b"SF:\xff\nDA:1,1\nend_of_record\n", "the file is UTF-8")
    yield Hostile("UTF-16", "lcov", "SF:a.py\nDA:1,1\nend_of_record\n".encode("utf-16"), "the file is UTF-8")
    yield Hostile(
        "a name too long", "lcov", f"SF:{'a' * 1001}\nDA:1,1\nend_of_record\n".encode(), "item has at most 1000"
    )
    yield Hostile("a name with a bell", "lcov", b"SF:a\x07\nDA:1,1\nend_of_record\n", "item has no control characters")


def of_openmetrics() -> Iterator[Hostile]:
    """OpenMetrics and Prometheus text."""
    expected = "the text format of Prometheus or OpenMetrics was expected"
    for end in ("", "# EOF\n"):
        suffix = " with an end" if end else ""
        for name, text in {
            "an underscore": 'errors_total{a="x"} 1_000', "full-width": 'errors_total{a="x"} １２',
            "a word": 'errors_total{a="x"} many', "hexadecimal": 'errors_total{a="x"} 0x10', "no value": "errors_total",
            "an open label": 'errors_total{a="x 1', "an open brace": 'errors_total{a="x"', "no quotes": "errors_total{a=x} 1",
            "Arabic digits": 'errors_total{a="x"} ١٢', "HTML": "<html>Sign in</html>", "JSON": '{"errors_total": 1}',
            "a name that is none": "1errors 1",
        }.items():  # fmt: skip
            body = f"# TYPE errors counter\n{text}\n{end}".encode()
            yield Hostile(name + suffix, "openmetrics", body, expected)
    yield Hostile("an underscore and no labels", "openmetrics", b"errors_total 1_000\n", expected)
    yield Hostile("text after the end", "openmetrics", b'errors_total{a="x"} 1 x y z\n', expected)
    yield Hostile("empty", "openmetrics", b"", "empty")
    yield Hostile("NaN alone", "openmetrics", b"errors_total NaN\nother 1\n", "a report that measures one of")
    yield Hostile("a NUL", "openmetrics", b'errors_total{a="\x00"} 1\n', "no NUL characters")
    yield Hostile("bad UTF-8", "openmetrics", b'errors_total{a="\xff"} 1\n', "the file is UTF-8")
    yield Hostile(
        "a label too long", "openmetrics", f'errors_total{{a="{"x" * 1000}"}} 1\n'.encode(), "item has at most"
    )
    yield Hostile("a label with a line end", "openmetrics", b'errors_total{a="x\\ny"} 1\n', "item has no control")
    yield Hostile(
        "numbers that add up to infinity",
        "openmetrics",
        b'errors_total{b="1"} 1.7e308\nerrors_total{b="2"} 1.7e308\n',
        FINITE,
    )
    yield Hostile("a number beyond all", "openmetrics", b"errors_total 1e200\n", FINITE)
    yield Hostile("only names of others", "openmetrics", b"up 1\n", "")


def of_paths() -> Iterator[Hostile]:
    """Any JSON, read by the paths of `PATHS` (see test_corpus.py)."""

    def rows(*rows: Any) -> bytes:
        return json.dumps({"data": list(rows)}).encode()

    for name, value in {"true": True, "a string": "1", "a list": [1], "an object": {"a": 1}}.items():
        body = rows({"name": "a", "open": 1}, {"name": "b", "open": value})
        yield Hostile(f"a number {name}", "json-paths", body, "row 2: numerator is a number")
    yield Hostile(
        "a number 1e999", "json-paths", b'{"data":[{"name":"a","open":1e999}]}', f"row 1: numerator is a {FINITE}"
    )
    yield Hostile("a number of 400 digits", "json-paths", rows({"name": "a", "open": 10**400}), FINITE)
    yield Hostile("a number of 5,000 digits", "json-paths", b'{"data":[' + b"9" * 5000 + b"]}", "a JSON document was")
    yield Hostile("NaN", "json-paths", b'{"data":[{"name":"a","open":NaN}]}', "NaN is not")
    for name, value in {"true": True, "a list": ["a"], "an object": {"a": 1}, "a fraction": 1.5}.items():
        yield Hostile(f"an item {name}", "json-paths", rows({"name": value, "open": 1}), "row 1: item is a string")
    yield Hostile("an item with NUL", "json-paths", rows({"name": "a\0", "open": 1}), "item has no control characters")
    yield Hostile("an item with half a pair", "json-paths", rows({"name": "\ud800", "open": 1}), "no half characters")
    yield Hostile("an item too long", "json-paths", rows({"name": "a" * 1001, "open": 1}), "item has at most 1000")
    yield Hostile(
        "a team that is unknown", "json-paths", rows({"name": "a", "open": 1, "team": "no"}), "team 'no' is not"
    )
    yield Hostile("a team with NUL", "json-paths", rows({"name": "a", "open": 1, "team": "a\0"}), "team has no control")
    yield Hostile(
        "a day that is none", "json-paths", rows({"name": "a", "open": 1, "day": "soon"}), "row 1: as_of is a"
    )
    yield Hostile(
        "a day in the future", "json-paths", rows({"name": "a", "open": 1, "day": "2030-01-01"}), "in the future"
    )
    two = rows({"name": "a", "open": 1, "day": DAY}, {"name": "b", "open": 1, "day": "2026-03-02"})
    yield Hostile("two days", "json-paths", two, "row 2: all rows are of one day")
    yield Hostile("a denominator", "json-paths", rows({"name": "a", "open": 1, "of": 2}), "an empty denominator was")
    for name, text in {
        "a list": "[1]",
        "null": "null",
        "a string": '"x"',
        "no list within": '{"data":{"a":1}}',
    }.items():
        yield Hostile(f"the document {name}", "json-paths", text.encode(), "rows picks a list")
    yield Hostile("a function of the wrong type", "json-paths", b'{"data":"a\\u0000\\ud800","sort":true}', "rows picks")
    yield Hostile("deep", "json-paths", b'{"data":' + deep(40).encode() + b"}", NESTED)
    yield Hostile("100,000 deep", "json-paths", b'{"data":' + deep(100_000).encode() + b"}", NESTED)
    yield Hostile("a name twice", "json-paths", b'{"data":[],"data":[]}', "'data' stands twice")
    yield Hostile("HTML", "json-paths", b"<html>Sign in</html>", "a JSON document was expected")
    yield Hostile("empty", "json-paths", b"", "")
    yield Hostile("UTF-16", "json-paths", rows().decode().encode("utf-16"), "is UTF-8")
    yield Hostile("bad UTF-8", "json-paths", b'{"data":["\xff"]}', "is UTF-8")
    yield Hostile("numbers that add up to infinity", "json-paths", rows(*[{"name": "a", "open": 1.7e308}] * 2), FINITE)


def of_prometheus() -> Iterator[Hostile]:
    """Answers of Prometheus' query API."""

    def vector(*results: Any) -> bytes:
        return json.dumps({"status": "success", "data": {"resultType": "vector", "result": list(results)}}).encode()

    for name, value in {"a word": "many", "an underscore": "1_000", "full-width": "１２", "Arabic": "١٢", "empty": "",
                        "hexadecimal": "0x10", "a space": " 1"}.items():  # fmt: skip
        yield Hostile(
            f"a value {name}", "prometheus", vector({"metric": {}, "value": [1, value]}), "a number was expected"
        )
    for name, value in {"a number": [1, 1], "short": [1], "null": None, "an object": {}, "a list": [1, ["1"]]}.items():
        body = vector({"metric": {}, "value": value})
        yield Hostile(f"a sample {name}", "prometheus", body, "a sample with its labels and value was expected")
    for name, value in {"a list": [], "null": None, "a string": "x"}.items():
        yield Hostile(f"labels {name}", "prometheus", vector({"metric": value, "value": [1, "1"]}), "a sample with its")
    yield Hostile("a result a string", "prometheus", vector("x"), "a sample with its labels and value was expected")
    yield Hostile(
        "a label with NUL", "prometheus", vector({"metric": {"a": "\0"}, "value": [1, "1"]}), "item has no control"
    )
    yield Hostile(
        "a label with half a pair", "prometheus", vector({"metric": {"a": "\ud800"}, "value": [1, "1"]}), "item has no"
    )
    nul = vector({"metric": {"a": "\0\ud800"}, "value": [1, "NaN"]}, {"metric": {"b": "\0"}, "value": [1, "1"]})
    yield Hostile("NaN of a label with NUL", "prometheus", nul, "item has no control")
    yield Hostile(
        "a label too long", "prometheus", vector({"metric": {"a": "x" * 1000}, "value": [1, "1"]}), "item has at most"
    )
    yield Hostile("a value beyond all", "prometheus", vector({"metric": {}, "value": [1, "1e300"]}), FINITE)
    for kind in ("matrix", "string", "streams", None, 1, ["vector"]):
        body = json.dumps({"status": "success", "data": {"resultType": kind, "result": []}}).encode()
        yield Hostile(f"a result of type {kind}", "prometheus", body, "an instant vector was expected")
    error = json.dumps({"status": "error", "error": "bad\0\ud800"}).encode()
    yield Hostile("an error", "prometheus", error, "Prometheus answered")
    for name, text in {"a list": "[]", "null": "null", "an object": "{}", "a string": '"x"'}.items():
        yield Hostile(f"the answer {name}", "prometheus", text.encode(), "Prometheus answered")
    yield Hostile("no data", "prometheus", b'{"status":"success"}', "an instant vector was expected")
    yield Hostile("1e999", "prometheus", b'{"status":"success","x":1e999}', "")
    yield Hostile("NaN", "prometheus", b'{"status":"success","x":NaN}', "NaN is not")
    yield Hostile("deep", "prometheus", b'{"status":' + deep(40).encode() + b"}", NESTED)
    yield Hostile("a name twice", "prometheus", b'{"status":"success","status":"error"}', "'status' stands twice")
    yield Hostile("HTML", "prometheus", b"<html>Sign in</html>", "a JSON document was expected")
    yield Hostile("empty", "prometheus", b"", "a JSON document was expected")
    yield Hostile("bad UTF-8", "prometheus", b'{"status":"\xff"}', "UTF-8")


@cache
def hostile() -> tuple[Hostile, ...]:
    """All hostile bodies."""
    makers = (of_csv, of_json, of_sarif, of_ossf, of_xml, of_lcov, of_openmetrics, of_paths, of_prometheus)
    return tuple(body for maker in makers for body in maker())


@cache
def packed() -> tuple[Hostile, ...]:
    """What gzip and zip are made into; for the doors that inflate (`kind` is how a feed would read it)."""
    good = csv(GOOD)
    held = gzip.compress(good)
    broken = bytearray(held)
    broken[-6] ^= 0xFF
    spoilt = bytearray(held)
    spoilt[20] ^= 0xFF
    return (
        Hostile("a bomb", "csv", gzip.compress(b"\0" * 5_000_000, 9), "bytes were expected once inflated"),
        Hostile(
            "a bomb of streams", "csv", gzip.compress(b"\n" * 500_000, 9) * 10, "bytes were expected once inflated"
        ),
        Hostile("a stream in a stream", "csv", gzip.compress(held), "the file has no NUL characters"),
        Hostile("cut", "csv", held[:-10], "the gzip stream breaks off"),
        Hostile("cut in the head", "csv", held[:5], "the gzip stream breaks off"),
        Hostile("the mark alone", "csv", held[:2], "the gzip stream breaks off"),
        Hostile("a wrong sum", "csv", bytes(broken), "a gzip stream was expected"),
        Hostile("spoilt", "csv", bytes(spoilt), "a gzip stream was expected"),
        Hostile("something after the end", "csv", held + b"more", "a gzip stream was expected"),
        Hostile("an unknown method", "csv", b"\x1f\x8b\x07" + held[3:], "a gzip stream was expected"),
        Hostile("30,000 empty streams", "csv", gzip.compress(b"") * 30_000, "streams were expected"),
        Hostile("a zip archive", "csv", zipped("a.csv", good), "not a zip archive"),
        Hostile("a zip bomb", "csv", zipped("a.csv", b"\0" * 5_000_000), "not a zip archive"),
        Hostile("a zip archive in gzip", "csv", gzip.compress(zipped("a.csv", good)), "zip archive"),
        Hostile("an empty zip archive", "csv", b"PK\x05\x06" + b"\0" * 18, "zip archive"),
        Hostile("zlib without gzip", "csv", b"x\x9c" + held[10:-8], ""),
        Hostile("bzip2", "csv", b"BZh91AY&SY" + b"\x00\xff" * 20, ""),
        Hostile("zstandard", "csv", b"\x28\xb5\x2f\xfd" + b"\x00\xff" * 20, ""),
    )


@cache
def odd() -> tuple[Odd, ...]:
    """Legal though odd: stored exactly as sent, and shown escaped."""
    names = {
        "full-width": "ｆｉｌｅ.py", "a mark from right to left": "a\u202egpj.exe", "Arabic": "ملف.py", "Hebrew": "\u200fקובץ",
        "a formula": "=cmd|' /C calc'!A0", "a plus": "+1+1", "a minus": "-1", "an at": "@SUM(A1)",
        "a tag": "<script>alert(1)</script>", "an attribute": "\" onmouseover=\"alert(1)", "an entity": "&lt;b&gt;",
        "a template": "{{7*7}}{% if 1 %}", "a format": "%s%n{0}", "a path upwards": "../../etc/passwd",
        "an emoji": "👩‍👩‍👧‍👧", "combining marks": "e" + "\u0301" * 200, "no width": "a\u200bb", "a line separator": "a\u2028b",
        "1,000 characters": "x" * 1000, "a space": " ", "a quote": "it's", "two quotes": 'say "hi"', "a backslash": "a\\b",
        "a comma": "a,b", "a semicolon": "a;b", "NULL": "NULL", "none": "None", "a proto": "__proto__", "plotly": "<b>a</b><br>",
        "an address": "javascript:alert(1)", "a noncharacter": "a\uffff",
    }  # fmt: skip
    found = [Odd(name, "json", observations(observation(item=text)), {text: 1}) for name, text in names.items()]
    quoted = csv(line(item='"' + names["two quotes"].replace('"', '""') + '"'), line(item='"a,b"'))
    found.append(Odd("quotes and commas", "csv", quoted, {names["two quotes"]: 1, "a,b": 1}))
    found.append(
        Odd("a byte order mark and semicolons", "csv", b"\xef\xbb\xbf" + csv(GOOD).replace(b",", b";"), {"good.py": 1})
    )
    found.append(Odd("carriage returns", "csv", csv(GOOD).replace(b"\n", b"\r\n"), {"good.py": 1}))
    found.append(Odd("no line end at the end", "csv", csv(GOOD).rstrip(b"\n"), {"good.py": 1}))
    found.append(Odd("blank lines between", "csv", csv("\n", GOOD, "\n\n"), {"good.py": 1}))
    found.append(Odd("minus zero", "csv", csv(line(above="-0")), {"a.py": 0}))
    found.append(Odd("a tiny number", "csv", csv(line(above="1e-400")), {"a.py": 0}))
    found.append(Odd("a whole team", "csv", csv(line(item="")), {"": 1}))
    found.append(Odd("the first day", "csv", csv(line(as_of="1970-01-01")), {"a.py": 1}))
    found.append(Odd("upper case E", "csv", csv(line(above="1E2")), {"a.py": 100}))
    found.append(Odd("32 deep and no deeper", "json", observations(observation(item="deep")), {"deep": 1}))
    return tuple(found)
