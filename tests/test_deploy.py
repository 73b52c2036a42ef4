"""Deployment files, held against their schema, the tested commands and the settings: no engine runs here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.once

# The part of the Compose Specification (compose-spec.io) that our file uses; anything else in it is refused.
COMMAND = {"type": "array", "items": {"type": "string"}, "minItems": 1}
SPAN = {"type": "string", "pattern": "^[0-9]+(s|m)$"}
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "build": {"const": "."},
        "image": {"type": "string"},
        "restart": {"enum": ["no", "unless-stopped"]},
        "env_file": {"const": ".env"},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "command": COMMAND,
        "ports": {"type": "array", "items": {"type": "string", "pattern": r"^127\.0\.0\.1:\d+:\d+$"}},
        "volumes": {"type": "array", "items": {"type": "string"}},
        "stop_grace_period": SPAN,
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"condition": {"enum": ["service_healthy", "service_completed_successfully"]}},
                "required": ["condition"],
                "additionalProperties": False,
            },
        },
        "healthcheck": {
            "type": "object",
            "required": ["test", "interval", "timeout", "retries"],
            "additionalProperties": False,
            "properties": {
                "test": COMMAND,
                "interval": SPAN,
                "timeout": SPAN,
                "start_period": SPAN,
                "retries": {"type": "integer", "minimum": 1},
            },
        },
    },
}
SCHEMA = {
    "type": "object",
    "required": ["services"],
    "properties": {
        "name": {"type": "string"},
        "services": {"type": "object", "additionalProperties": SERVICE},
        "volumes": {"type": "object"},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def procfile() -> dict[str, list[str]]:
    lines = [line for line in (ROOT / "Procfile").read_text().splitlines() if line and not line.startswith("#")]
    return {name: shlex.split(command) for name, _, command in (line.partition(": ") for line in lines)}


def settings_read() -> set[str]:
    return set(re.findall(r'env\.[a-z_]+\(\s*"([A-Z_]+)"', (ROOT / "config/settings.py").read_text()))


def test_the_compose_file_is_as_the_specification_wants_it(compose):
    jsonschema.validate(compose, SCHEMA)
    assert set(compose["services"]) == {"migrate", "web", "worker", "beat", "postgres", "redis"}
    for name, service in compose["services"].items():
        assert "healthcheck" in service or name == "migrate", f"{name} has no health check"
        assert set(service.get("depends_on", {})) <= set(compose["services"])


def test_its_commands_are_those_that_up_runs(compose):
    filled = {"${BIND}:${PORT}": "0.0.0.0:8000", "${WEB_CONCURRENCY}": "2"}
    for name, argv in procfile().items():
        expected = ["python", "-m", *(filled.get(word, word) for word in argv)]
        assert compose["services"][name]["command"] == expected
    (line,) = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("CMD")]
    assert " ".join(procfile()["web"]) in line


def test_every_variable_it_sets_is_one_that_the_settings_read(compose):
    for name in ("migrate", "web", "worker", "beat"):
        assert set(compose["services"][name]["environment"]) <= settings_read()
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)) - {"POSTGRES_PASSWORD"}
    assert named == settings_read() - {"SECRET_KEY_REQUIRED_IN_PRODUCTION"}


def test_the_image_has_every_room_and_no_more():
    copied = set(re.findall(r"^COPY (\w+) \w+$", (ROOT / "Dockerfile").read_text(), re.M))
    assert copied == {"config", "accounts", "program", "teams", "nudges", "reviews", "web", "templates"}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed == copied | {"requirements/base.txt", "manage.py", "Procfile"}


def run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME")}
    return subprocess.run(
        [sys.executable, *argv],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_production_settings_pass_the_deployment_check(tmp_path):
    key = "k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz"
    environment = {"PRODUCTION": "1", "ALLOWED_HOSTS": "quality.example", "VAR_DIR": str(tmp_path), "SECRET_KEY": key}
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **environment)
    assert done.returncode == 0, done.stderr
    without = run("manage.py", "check", **(environment | {"SECRET_KEY": ""}))
    assert without.returncode != 0
    assert "SECRET_KEY" in without.stderr


def test_production_collects_its_static_files(tmp_path):
    (tmp_path / "var").mkdir()
    code = (
        "import django; from django.conf import settings; settings.STATIC_ROOT = r'%s'; django.setup();"
        "from django.core.management import call_command; call_command('collectstatic', '--noinput', verbosity=0)"
    ) % (tmp_path / "static")
    done = run(
        "-c", code, DJANGO_SETTINGS_MODULE="config.settings", PRODUCTION="1", SECRET_KEY="x" * 60,
        VAR_DIR=str(tmp_path / "var"), PYTHONPATH=str(ROOT),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "static" / "web").glob("app.*.css.br"))


def test_no_migration_is_missing(tmp_path):
    done = run("manage.py", "makemigrations", "--check", "--dry-run", VAR_DIR=str(tmp_path))
    assert done.returncode == 0, done.stdout
