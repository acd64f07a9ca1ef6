"""How `regtui` ends when something goes wrong: quietly, with a sentence, and never with a traceback."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from regtui.__main__ import main
from regtui.cli.failures import guarded
from regtui.errors import ConfigError, NotFound
from tests.cli.conftest import command, regtui


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


def test_exit_codes_and_sentences(capfd: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: 0) == 0
    assert guarded(raising(NotFound("There is no such tag", "See the list", status=404))) == 1
    assert guarded(raising(ConfigError("This can't be used"))) == 2
    assert guarded(raising(KeyboardInterrupt())) == 130
    assert capfd.readouterr() == ("", "regtui: There is no such tag. See the list\nregtui: This can't be used\n")


def test_a_surprise_is_one_sentence_and_its_traceback_is_in_the_log(
    isolated_environment: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(KeyError("\x1b[31m"))) == 1
    log = isolated_environment / "state/regtui/regtui.log"
    assert capfd.readouterr().err == (
        f"regtui: Something went wrong inside regtui: KeyError. The details are in {log}\n"
    )
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700


def test_what_libraries_log_goes_to_the_file(isolated_environment: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        async def fail_in_the_background() -> None:
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
            await asyncio.sleep(0)

        asyncio.run(fail_in_the_background())
        logging.getLogger("somebody").info("not worth a file")
        return 0

    assert guarded(work) == 0
    assert capfd.readouterr() == ("", "")
    text = (isolated_environment / "state/regtui/regtui.log").read_text()
    assert "ZeroDivisionError" in text
    assert "not worth a file" not in text


def test_a_state_folder_that_can_not_be_written_is_no_second_failure(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGTUI_STATE_DIR", "/proc/nowhere")
    assert guarded(raising(KeyError("x"))) == 1
    assert capfd.readouterr().err.count("\n") == 1


def test_ctrl_c_during_the_import_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.cli.program.run", lambda *_: raising(KeyboardInterrupt())())
    monkeypatch.setattr(sys, "argv", ["regtui", "ls", "a.example"])
    assert main() == 130


def test_streams_that_are_closed_or_full_are_no_traceback() -> None:
    for redirect, code in (("<&-", 0), (">&-", 0), ("2>&-", 0), (">/dev/full", 1)):
        line = f"{sys.executable} -m regtui config {redirect}"
        done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=30)
        assert (done.returncode, "Traceback" in done.stderr, "Exception" in done.stderr) == (code, False, False)
    piped = subprocess.run(["/bin/sh", "-c", f"{sys.executable} -m regtui nonsense 2>&1 | true"], capture_output=True)
    assert piped.stderr == b""


def test_letters_that_the_locale_lacks_are_escaped(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('theme = "中"')
    ran = regtui("config", environ={"REGTUI_CONFIG": str(file), "PYTHONIOENCODING": "latin-1:strict"})
    assert ran.code == 0
    assert "\\u4e2d" in ran.out


def test_version_is_printed_at_once() -> None:
    done = subprocess.run(command("--version"), capture_output=True, text=True)
    assert done.stdout.startswith("regtui 0.")
    assert regtui("--read-only", "--version").out == done.stdout
