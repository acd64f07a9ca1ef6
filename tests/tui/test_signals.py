"""The program in a real terminal: signals, and a terminal that is gone or has stopped reading."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from regtui.tui import terminal
from regtui.tui.terminal import Ending

PATIENCE = 15.0
FIRST_FRAME, RESTORED = b"Repositories", b"\x1b[?1049l"


class Terminal:
    """A pseudo terminal with regtui in it."""

    def __init__(self, process: "subprocess.Popen[bytes]", master: int, slave: int, before: list[object]) -> None:
        self.process = process
        self.master = master
        self.slave = slave
        self.before = before
        self.output = b""

    def read_until(self, text: bytes) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.output:
            assert time.monotonic() < deadline, self.output[-2000:]
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.output += os.read(self.master, 65536)
                except OSError:
                    break
        assert text in self.output

    def end(self) -> int:
        """The exit code; output is read meanwhile, as a terminal does."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            if select.select([self.master], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    self.output += os.read(self.master, 65536)
        return self.process.returncode

    def settings(self) -> list[object]:
        return termios.tcgetattr(self.master)


def start(ignoring: str = "", program: str = "-m regtui demo") -> Terminal:
    master, slave = pty.openpty()
    before = termios.tcgetattr(master)
    trap = f"trap '' {ignoring};" if ignoring else ""
    command = ["/bin/sh", "-c", f"{trap} exec {sys.executable} {program}"]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    return Terminal(process, master, slave, before)


@pytest.fixture
def shell() -> Iterator[Terminal]:
    started = start()
    started.read_until(FIRST_FRAME)
    yield started
    started.process.kill()
    started.process.wait()
    os.close(started.master)
    os.close(started.slave)


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
    started = start(ignoring="HUP")
    started.read_until(FIRST_FRAME)
    os.close(started.slave)
    os.close(started.master)
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
