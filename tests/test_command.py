"""The `hub` command as a whole: wrong usage, and ^C wherever it is."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

# ^C at the very moment that a module is looked for.
INTERRUPTED = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = ["hub", "demo"]
signal.signal(signal.SIGINT, signal.{before})
from hubapp.__main__ import main
main()
"""


def interrupted(module: str, before: str = "default_int_handler") -> subprocess.CompletedProcess[str]:
    code = INTERRUPTED.format(module=module, before=before)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("module", "status"),
    [("typer", -signal.SIGINT), ("hubapp.settings", -signal.SIGINT), ("hubapp.cli.worker", -signal.SIGINT), ("hubapp.demo", 130)],
)
def test_an_interrupt_before_the_command_has_begun_says_nothing(home: Path, module: str, status: int) -> None:
    ended = interrupted(module)
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, "", "")
    assert list(home.iterdir()) == []


def test_an_interrupt_that_is_ignored_stays_ignored(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_KAFKA_VERSION", "0.1")  # Where it gets to, if nothing stops it before.
    ended = interrupted("hubapp.cli.worker", before="SIG_IGN")
    assert ended.returncode == 2 and ended.stderr.startswith("hub: HUB_KAFKA_VERSION")


def hub(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "hubapp", *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["decode"], "Missing argument 'file'. (hub decode --help)"),
        (["tail"], "Missing argument 'topic'. (hub tail --help)"),
        (["demo", "--beds", "65"], "Invalid value for '--beds'"),
        (["worker", "--only", "pages"], "Invalid value for '--only'"),
        (["services", "restart"], "No such command 'restart'. "),
        (["decode", "--colour"], "No such option: --colour"),
    ],
)
def test_wrong_usage_is_one_line_on_standard_error(arguments: list[str], words: str) -> None:
    ended = hub(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"hub: {words}") and ended.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["rules"]])
def test_a_command_without_its_sub_command_shows_its_help(arguments: list[str]) -> None:
    ended = hub(*arguments)
    assert ended.returncode == 2 and "Usage:" in ended.stdout and ended.stderr == ""
