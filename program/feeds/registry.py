"""The kinds of feeds: one file a kind and a line here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from . import (
    cobertura,
    json_paths,
    junit,
    lcov,
    observations_csv,
    observations_json,
    openmetrics,
    ossf,
    prometheus_api,
    sarif,
)
from .batch import Batch, Unfit
from .pulled import Request, checked_url
from .report import Asked, Measure, Report, fault_batch, rows_of

HEAD = 4096
ReadReport = Callable[[bytes, Mapping[str, Any], Collection[str]], Report]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of feed: how it is known, how it is read, and, for one that is pulled, what it asks for.

    `settings` names the dials it has (and what each is for); `joined` makes one payload of several answers, `told`
    reads what a source says in an answer that is no success, and `check` raises Unfit where a setting is none.
    """

    name: str
    title: str
    media_types: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    recognizes: Callable[[bytes], bool] = lambda _head: False
    observations: Callable[[bytes, str], Batch] | None = None
    report: ReadReport | None = None
    measures: tuple[Measure, ...] = ()
    requests: Callable[[Mapping[str, Any]], dict[str, Request]] | None = None
    joined: Callable[[Mapping[str, bytes]], bytes] | None = None
    told: Callable[[bytes], str] = lambda _body: ""
    check: Callable[[Mapping[str, Any]], None] = lambda _settings: None
    settings: Mapping[str, str] | None = None

    @property
    def pulled(self) -> bool:
        """Whether we fetch it, rather than being sent it."""
        return self.requests is not None or self.name == "sql"

    def read(self, data: bytes, asked: Asked, today: date) -> Batch:
        """Read a payload; what is wrong with it is among the batch's faults."""
        if self.observations is not None:
            return self.observations(data, asked.source)
        try:
            return rows_of(self.reported(data, asked), asked, today)
        except Unfit as fault:
            return fault_batch(str(fault))

    def measures_it(self, measure: str, settings: Mapping[str, Any]) -> bool:
        """Whether a report of this kind can measure this."""
        if self.name == "prometheus":
            return measure in (settings.get("queries") or {})
        if self.name == "openmetrics":
            return openmetrics.is_measure(measure)
        return any(known.key == measure for known in self.measures) or (
            self.name == "sarif" and measure.startswith(sarif.RULES) and len(measure) > len(sarif.RULES)
        )

    def reported(self, data: bytes, asked: Asked) -> Report:
        """What a report says, measure by measure. Raises Unfit; ValueError for a kind that is no report."""
        if self.report is None:
            raise ValueError(f"{self.name} holds observations, not a tool's report")
        if not data.strip():
            raise Unfit(f"{self.title} was expected; the file is empty")
        return self.report(data, asked.settings, asked.measures)


FILES = {
    "strip": "a list of beginnings of file names to take off, such as the folder of the checkout",
    "prefix": "what to put before every file name",
}
LABELS = {"item": "the label that names the item", "team": "the label that names the team, if there is one"}
ADDRESS = {"url": "where to fetch it"}

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "csv", "Observations, CSV", ("text/csv",), (".csv", ".csv.gz"), observations_csv.recognizes,
            observations_csv.read,
        ),
        Kind(
            "json", "Observations, JSON", ("application/json",), (".json", ".json.gz"), observations_json.recognizes,
            observations_json.read,
        ),
        Kind(
            "cobertura", "Cobertura XML", (), (), cobertura.recognizes, None, cobertura.read, cobertura.MEASURES,
            settings=FILES | {"root": "instead of the report's own <source>"},
        ),
        Kind("lcov", "LCOV", (), (".lcov", ".info"), lcov.recognizes, None, lcov.read, lcov.MEASURES, settings=FILES),
        Kind(
            "junit", "JUnit XML", (), (), junit.recognizes, None, junit.read, junit.MEASURES,
            settings=FILES | {"class_paths": "how a dotted class is a file, such as {path}.py"},
        ),
        Kind(
            "sarif", "SARIF 2.1.0", ("application/sarif+json",), (".sarif", ".sarif.gz", ".sarif.json"),
            sarif.recognizes, None, sarif.read, sarif.MEASURES, settings=FILES,
        ),
        Kind("ossf", "OpenSSF Scorecard JSON", (), (), ossf.recognizes, None, ossf.read, ossf.MEASURES),
        Kind(
            "openmetrics", "OpenMetrics, Prometheus text", ("application/openmetrics-text", "text/plain"), (".prom",),
            openmetrics.recognizes, None, openmetrics.read, openmetrics.MEASURES, settings=LABELS,
        ),
        Kind(
            "json-paths", "Any JSON, by JMESPath", (), (), report=json_paths.read, measures=json_paths.MEASURES,
            requests=json_paths.requests, check=json_paths.check,
            settings=ADDRESS | {"headers": "a mapping of request headers, without credentials"} | {
                "rows": "JMESPath to the list of rows; @ is the document itself",
                "item": "JMESPath within a row: the item", "team": "JMESPath within a row: the team's key, if any",
                "numerator": "JMESPath within a row: the number", "as_of": "JMESPath within a row: the day, if any",
                "denominator": "JMESPath within a row: what the number is a share of, for a ratio",
            },
        ),
        Kind(
            "prometheus", "Prometheus query API", (), (), report=prometheus_api.read, measures=prometheus_api.MEASURES,
            requests=prometheus_api.requests, joined=prometheus_api.joined, told=prometheus_api.told,
            settings=ADDRESS | {"queries": "a mapping of a measure's name to a query, or to two for a ratio"} | LABELS,
        ),
        Kind(
            "csv-url", "Observations CSV by URL", (), (), observations=observations_csv.read,
            requests=lambda settings: {"": Request(checked_url(settings), {"Accept": "text/csv"})}, settings=ADDRESS,
        ),
        Kind(
            "sql", "A query on a warehouse", (), (), observations=observations_csv.read,
            settings={
                "url": "postgresql://user@host:5432/database, without the password",
                "sslmode": "require unless set: disable, prefer, require, verify-ca or verify-full",
                "query": "one SELECT with the columns of the observations CSV",
            },
        ),
    )
}  # fmt: skip


def by_media_type(media_type: str) -> Kind | None:
    """The kind sent as this media type (parameters left out), or None."""
    plain = media_type.partition(";")[0].strip().lower()
    return next((kind for kind in KINDS.values() if plain in kind.media_types), None)


def by_file_name(name: str) -> Kind | None:
    """The kind of a file of this name, or None."""
    return next((kind for kind in KINDS.values() if name.lower().endswith(kind.suffixes)), None)


def recognized(data: bytes) -> Kind | None:
    """The kind that a payload's first bytes look like, or None."""
    head = data[:HEAD]
    return next((kind for kind in KINDS.values() if kind.recognizes(head)), None)
