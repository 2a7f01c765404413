"""Imports point one way, and what is pure reads no clock, no chance, no files, no Faust."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubapp.chronicle.rules import OF_PATIENTS, OF_THE_HOUSE
from hubapp.topics import HOUSE_RULES, PATIENT_RULES

ROOT = Path(__file__).parents[1]
# Of each part, the parts of ours that it may import.
MAY: dict[str, set[str]] = {
    "values": set(),
    "facts": {"values"},
    "findings": {"facts"},
    "thresholds": set(),
    "codes": {"facts"},
    "topics": set(),
    "wire": {"wire", "facts", "codes"},
    "rules": {"rules", "facts", "findings", "thresholds", "codes"},
    "chronicle": {"chronicle", "rules", "facts", "findings", "thresholds"},
    "explain": {"explain", "rules", "facts", "findings", "thresholds", "codes"},
    "engine": {"engine"},
}
WARD = {"ward", "chronicle", "rules", "facts", "findings", "thresholds"}
PURE = ("values", "facts", "findings", "wire", "rules", "chronicle", "explain")
IMPURE = {
    "time", "random", "secrets", "os", "io", "pathlib", "socket", "subprocess", "asyncio", "threading", "logging", "tempfile",
    "faust", "mode", "aiokafka", "asyncpg", "rocksdict", "aiohttp", "structlog", "pydantic_settings",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today", "uuid1", "uuid4", "open", "print", "input", "time", "time_ns", "monotonic", "urandom"}


def modules(part: str) -> Iterator[Path]:
    single = ROOT / "hubapp" / f"{part}.py"
    yield from [single] if single.exists() else sorted((ROOT / "hubapp" / part).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[str]:
    names = (name.split(".") for name in imports(path))
    return {parts[1] if parts[0] == "hubapp" and len(parts) > 1 else parts[0] for parts in names if parts[0] in OURS}


OURS = ("hubapp", "agents", "tables")


@pytest.mark.parametrize("part", MAY)
def test_imports_point_one_way(part: str) -> None:
    found = list(modules(part))
    assert found, f"no module of {part}"
    assert {path.name: ours(path) - MAY[part] for path in found if ours(path) - MAY[part]} == {}


def test_the_ward_needs_only_the_rules_but_for_its_agent() -> None:
    found = [path for path in modules("ward") if path.name != "agent.py"]
    assert {path.name: ours(path) - WARD for path in found if ours(path) - WARD} == {}


@pytest.mark.parametrize("part", PURE)
def test_what_is_pure_imports_no_clock_no_chance_no_files_no_faust(part: str) -> None:
    for path in modules(part):
        assert {name.split(".")[0] for name in imports(path)} & IMPURE == set(), path


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


@pytest.mark.parametrize("part", PURE)
def test_what_is_pure_calls_no_clock(part: str) -> None:
    for path in modules(part):
        calls = {called(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
        assert calls & CLOCKS == set(), path


def test_a_clock_would_be_found(tmp_path: Path) -> None:
    path = tmp_path / "rule.py"
    path.write_text("import time\nfrom hubapp.engine import x\ntime.time()\n")
    assert "time" in set(imports(path))
    assert ours(path) == {"engine"}


def test_every_rule_of_the_chronicle_has_its_topic_and_its_table() -> None:
    assert set(OF_PATIENTS) == {*PATIENT_RULES} - {"episodes", "attendance"}
    assert set(OF_THE_HOUSE) == {*HOUSE_RULES}
