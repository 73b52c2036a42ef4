"""JUnit XML (pytest, Maven, Gradle, jest-junit, go-junit-report …): test cases by how they ended."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from .batch import Unfit
from .opened import elements, local
from .report import Measure, Report, day_of, file_item

MEASURES = (
    Measure("tests", "Test cases", "sum", "up", "test file or class", "test cases"),
    Measure("failed-tests", "Failed tests", "sum", "down", "test case", "1 for each that failed"),
    Measure("errored-tests", "Tests with errors", "sum", "down", "test case", "1 for each that broke off"),
    Measure("skipped-tests", "Skipped tests", "sum", "down", "test case", "1 for each that was skipped"),
    Measure("broken-tests", "Failed tests and tests with errors", "sum", "down", "test case", "1 for each"),
    Measure("passing-tests", "Tests that pass", "ratio", "up", "test file or class", "cases that passed", "cases run"),
    Measure("test-seconds", "Duration of tests", "sum", "down", "test file or class", "seconds"),
)
SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?", re.ASCII)
ENDED = {"failure": "failed-tests", "error": "errored-tests", "skipped": "skipped-tests"}


def recognizes(head: bytes) -> bool:
    """Whether the first bytes look like it."""
    return re.search(rb"<testsuites?[\s>/]", head) is not None


def read(data: bytes, settings: Mapping[str, Any], measures: Collection[str]) -> Report:  # noqa: ARG001 - all kinds alike
    """Count the test cases themselves (attributes of suites count subtests, retries and more). Raises Unfit."""
    report = Report({measure.key: {} for measure in MEASURES})
    seen = 0
    for event, element in elements(data, "testsuite", "testsuites"):
        name = local(element)
        if event == "start" and name == "testsuite" and report.as_of is None:
            report.as_of = day_of(element.get("timestamp", ""))
        elif event == "end" and name == "testcase":
            seen += 1
            _case(report, element, settings)
            element.clear()
        elif event == "end" and name == "testsuite":
            element.clear()
    if not seen:
        raise Unfit("a report with at least one test case was expected")
    return report


def _case(report: Report, case: Element, settings: Mapping[str, Any]) -> None:
    where, name = _where(case, settings), case.get("name", "")
    test = f"{where}::{name}" if where and name != where else where or name
    # A case may carry several of these (a failure, then an error when it is torn down): the gravest one counts.
    ends = {local(child) for child in case}
    ended = next((end for end in ("error", "failure", "skipped") if end in ends), "")
    if ended:
        report.add(ENDED[ended], test, 1)
    if ended in ("error", "failure"):
        report.add("broken-tests", test, 1)
    report.add("tests", where or name, 1)
    if ended != "skipped":
        report.add("passing-tests", where or name, 0 if ended else 1, 1)
    seconds = case.get("time", "").replace(",", "")
    if SECONDS.fullmatch(seconds):
        report.add("test-seconds", where or name, float(seconds))


def _where(case: Element, settings: Mapping[str, Any]) -> str:
    """The file of a case where the report says it; else its class, a dotted name made a path by `class_paths`.

    `class_paths` such as "{path}.py" makes tests.test_api (or tests.test_api.TestGet) tests/test_api.py.
    """
    file = case.get("file", "")
    if file:
        return file_item(file, settings)
    dotted = case.get("classname", "") or (case.get("name", "") if "." in case.get("name", "") else "")
    form = str(settings.get("class_paths", ""))
    if not form or not dotted:
        return dotted
    parts = dotted.split(".")
    while len(parts) > 1 and parts[-1][:1].isupper():  # a class within its module
        parts.pop()
    return file_item(form.replace("{path}", "/".join(parts)), settings)
