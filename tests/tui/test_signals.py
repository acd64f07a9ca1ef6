"""The program in a real terminal: signals, and a terminal that is gone or has stopped reading."""

import os
import signal
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from regtui.tui import terminal
from regtui.tui.terminal import Ending
from tests.tui.at_terminal import PATIENCE, Terminal, start

FIRST_FRAME, RESTORED = b"Repositories", b"\x1b[?1049l"


@pytest.fixture
def shell() -> Iterator[Terminal]:
    started = start("demo")
    started.read_until(FIRST_FRAME)
    yield started
    started.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_the_terminal_restored(shell: Terminal, number: signal.Signals, code: int) -> None:
    shell.process.send_signal(number)
    assert shell.end() == code
    shell.read_until(RESTORED)
    assert b"Traceback" not in shell.output
    assert shell.settings() == shell.before


def test_q_ends_it_with_0(shell: Terminal) -> None:
    os.write(shell.master, b"q")
    assert shell.end() == 0
    shell.read_until(RESTORED)
    assert shell.settings() == shell.before


def test_a_terminal_that_is_gone_ends_it_though_hangups_are_ignored() -> None:
    started = start("demo", ignoring="HUP")
    started.read_until(FIRST_FRAME)
    started.hang_up()
    assert started.process.wait(PATIENCE) == 129


def test_a_terminal_that_has_stopped_reading_does_not_keep_it_from_ending(shell: Terminal) -> None:
    termios.tcflow(shell.slave, termios.TCOOFF)
    for _ in range(100):  # more frames than its writer keeps: now its loop stands still
        os.write(shell.master, b"Gg")
        time.sleep(0.02)
    began = time.monotonic()
    shell.process.send_signal(signal.SIGTERM)
    assert shell.process.wait(PATIENCE) == 143
    assert time.monotonic() - began > terminal.GRACE - 0.5
    assert shell.settings() == shell.before


@pytest.mark.parametrize("mistake", ["1 / 0", "app.run_worker(mistaken()) and None"])
def test_a_mistake_of_ours_is_a_sentence_on_the_terminal_and_a_traceback_in_the_log(
    tmp_path: Path, isolated_environment: Path, mistake: str
) -> None:
    script = tmp_path / "mistaken.py"
    script.write_text(
        "import sys; from regtui.__main__ import main; from regtui.tui.app import RegtuiApp\n"
        "async def mistaken(): 1 / 0\n"
        f"RegtuiApp.action_help = lambda app: {mistake}\n"
        "sys.argv[1:] = ['demo']; sys.exit(main())\n"
    )
    started = start(program=str(script))
    started.read_until(FIRST_FRAME)
    os.write(started.master, b"?")
    assert started.end() == 1
    started.read_until(b"regtui stopped on a mistake of its own.")
    assert b"Traceback" not in started.output
    assert started.settings() == started.before
    told = (isolated_environment / "state/regtui/regtui.log").read_text()
    assert "Traceback" in told
    assert "ZeroDivisionError: division by zero" in told


def test_the_step_in_hand_is_done_before_the_app_is_asked_to_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[object] = []
    left = Event()

    def finish() -> None:
        time.sleep(0.05)
        happened.append("step done")

    def leave(code: int) -> None:
        happened.append(code)
        left.set()

    monkeypatch.setattr(terminal, "_ignored", lambda number: number is not signal.SIGTERM)
    with Ending(finish, leave) as ending:
        os.kill(os.getpid(), signal.SIGTERM)
        assert left.wait(PATIENCE)
    assert happened == ["step done", 143]
    assert ending.code == 143


def test_a_run_without_any_signal_leaves_the_handlers_as_they_were() -> None:
    before = [signal.getsignal(number) for number in terminal.SIGNALS]
    with Ending(lambda: None, lambda code: None) as ending:
        pass
    assert ending.code == 0
    assert [signal.getsignal(number) for number in terminal.SIGNALS] == before
