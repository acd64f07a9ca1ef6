"""A link that stalls or breaks in the middle of a bulk removal: the app and the command line in real terminals."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from regtui.config import load_settings
from regtui.oci import media_types
from regtui.operations import history, resume
from regtui.store.rows import KeptStep, Outcome, State
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout
from tests.registry_servers.slow import slow_registry
from tests.tui.at_terminal import COLUMNS, LINES, PATIENCE, Terminal, start

ACCEPT = {"Accept": media_types.ACCEPT}
TAGS, DELAY = 40, 0.04
AT_ONCE = 16  # steps, as the settings have it
HANG_UP, TERMINATE = (signal.SIGHUP, 129), (signal.SIGTERM, 143)


signalled = pytest.mark.parametrize(
    ("number", "code", "is_stalled"),
    [
        (*HANG_UP, False),
        (*TERMINATE, True),
        pytest.param(*HANG_UP, True, marks=pytest.mark.slow),
        pytest.param(*TERMINATE, False, marks=pytest.mark.slow),
    ],
    ids=["hang-up", "stalled, terminated", "stalled, hang-up", "terminated"],
)


@dataclass
class Place:
    """A repository full of tags on images of their own, in a registry behind a slow link."""

    registry: DockerRegistry
    host: str
    digests: dict[str, str] = field(default_factory=dict)

    def fill(self, layout: Layout, number: int) -> None:
        layout.push(layout.image({"app": b"1"}), self.registry, "team/app:base")
        path = "/v2/team/app/manifests/"
        _, headers, raw = self.registry.request("GET", f"{path}base", headers=ACCEPT)
        for tag in (f"v{number}" for number in range(number)):
            image = json.dumps({**json.loads(raw), "annotations": {"tag": tag}}).encode()
            content_type = {"Content-Type": json.loads(raw)["mediaType"]}
            status, answered, _ = self.registry.request("PUT", path + tag, image, content_type)
            assert status == 201
            self.digests[tag] = answered["docker-content-digest"]
        self.digests["base"] = headers["docker-content-digest"]

    @property
    def there(self) -> dict[str, str]:
        """Tag → digest, as the registry has it now."""
        status, _, answer = self.registry.request("GET", "/v2/team/app/tags/list")
        tags = (json.loads(answer)["tags"] or []) if status == 200 else []
        return {tag: self._digest(tag) for tag in tags}

    def _digest(self, tag: str) -> str:
        _, headers, _ = self.registry.request("HEAD", f"/v2/team/app/manifests/{tag}", headers=ACCEPT)
        return headers["docker-content-digest"]


@pytest.fixture
def place(registry: DockerRegistry, layout: Layout, request: pytest.FixtureRequest) -> Iterator[Place]:
    with slow_registry(registry, getattr(request, "param", DELAY)) as host:
        filled = Place(registry, host)
        filled.fill(layout, TAGS)
        yield filled


def steps() -> list[KeptStep]:
    """Those of the last change, as its journal has them now."""
    settings = load_settings({})
    changes = history.changes(settings, 1)
    return history.steps(settings, changes[0].id) if changes else []


def done() -> set[str]:
    """The tags whose steps are done."""
    return {step.intent["tags"] for step in steps() if step.outcome is Outcome.DONE and "tags" in step.intent}


def state() -> State:
    return history.changes(load_settings({}), 1)[0].state


def wait_until(holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, [step.outcome.value for step in steps()]
        time.sleep(0.05)


def the_journal_is_whole(place: Place, before: set[str]) -> None:
    """No more is done than what was in hand, nothing hangs, and the registry has what the journal says."""
    (change,) = history.changes(load_settings({}), 9)
    assert change.state is State.PARTLY
    assert not change.lives
    assert not resume.cut_off(load_settings({}))
    assert {step.outcome for step in steps()} == {Outcome.DONE, Outcome.LEFT}
    gone = done()
    assert before < gone
    assert len(gone) <= len(before) + AT_ONCE + 1  # one may have ended while the signal was on its way
    assert place.there == {tag: digest for tag, digest in place.digests.items() if tag not in gone}


@pytest.fixture
def app(place: Place) -> Iterator[Terminal]:
    """The app in the middle of removing all tags but one: some are gone, most are not."""
    terminal = start(f"{place.host}/team/app")
    terminal.show("newest first")
    terminal.type("A d")  # all, but not the first
    terminal.show(f"Type {TAGS} to go on:")
    for keys in ("\x1b[Z", f"{TAGS}\r", "\r"):
        terminal.settle()
        terminal.type(keys)
    terminal.show("Esc stops it")
    wait_until(lambda: len(done()) >= 3)
    yield terminal
    terminal.close()


def stall(terminal: Terminal) -> None:
    """Nobody reads any more, and the app has written until it can't: its loop stands still."""
    for number in range(80):
        terminal.resize(COLUMNS - number % 2, LINES)
        time.sleep(0.02)
    assert terminal.is_full


@pytest.mark.parametrize(
    ("place", "seconds"), [(DELAY, 8.0), pytest.param(0.4, 60.0, marks=pytest.mark.slow)], indirect=["place"]
)
def test_a_terminal_that_stops_reading_holds_up_no_step(place: Place, app: Terminal, seconds: float) -> None:
    stalled = time.monotonic()
    stall(app)
    read = len(app.output)
    assert len(done()) < TAGS / 2
    wait_until(lambda: state() is not State.RUNNING, seconds)
    time.sleep(max(0.0, stalled + seconds - time.monotonic()))
    assert app.is_full
    assert len(app.output) == read
    assert state() is State.DONE
    assert len(done()) == TAGS
    (stays,) = place.there.items()
    assert stays in place.digests.items()
    app.resize(COLUMNS, LINES)
    app.show("Tags · 1 ·")
    app.settle()
    assert f"\n┃▌= {stays[0]} " in app.screen
    assert "marked" not in app.screen
    assert "Delete" not in app.screen


@signalled
def test_a_signal_ends_the_app_after_the_steps_in_hand(
    place: Place, app: Terminal, number: signal.Signals, code: int, is_stalled: bool
) -> None:
    if is_stalled:
        stall(app)
    before = done()
    app.process.send_signal(number)
    assert (app.process.wait(PATIENCE) if is_stalled else app.end()) == code
    the_journal_is_whole(place, before)


@pytest.mark.parametrize("is_stalled", [False, True], ids=["reading", "stalled"])
def test_a_closed_session_ends_the_app_after_the_steps_in_hand(place: Place, app: Terminal, is_stalled: bool) -> None:
    if is_stalled:
        stall(app)
    before = done()
    app.hang_up()
    assert app.process.wait(PATIENCE) == 129
    the_journal_is_whole(place, before)


@pytest.fixture
def command(place: Place, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """The command that removes all tags but one, in the middle of it."""
    tags = (f"{place.host}/team/app:{tag}" for tag in place.digests if tag != "base")
    terminal = start("rm", "--yes", *tags, **getattr(request, "param", {}))
    wait_until(lambda: len(done()) >= 3)
    yield terminal
    terminal.close()


def test_a_command_goes_on_when_its_terminal_stops_reading(place: Place, command: Terminal) -> None:
    command.fill()
    wait_until(lambda: state() is not State.RUNNING)
    assert state() is State.DONE
    assert command.process.poll() is None
    assert place.there == {"base": place.digests["base"]}
    assert command.end() == 0
    for tag in done():
        assert f"team/app:{tag}".encode() in command.output


@signalled
def test_a_signal_ends_a_command_after_the_steps_in_hand(
    place: Place, command: Terminal, number: signal.Signals, code: int, is_stalled: bool
) -> None:
    if is_stalled:
        command.fill()
    before = done()
    command.process.send_signal(number)
    assert (command.process.wait(PATIENCE) if is_stalled else command.end()) == code
    the_journal_is_whole(place, before)


@pytest.mark.parametrize("command", [{}, {"ignoring": "HUP"}], ids=["hang-up heard", "hang-up ignored"], indirect=True)
def test_a_closed_session_ends_a_command_after_the_steps_in_hand(place: Place, command: Terminal) -> None:
    before = done()
    command.hang_up()
    assert command.process.wait(PATIENCE) == 129
    the_journal_is_whole(place, before)
