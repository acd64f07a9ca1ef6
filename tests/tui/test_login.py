"""Logging in from the screens: a registry that wants to know who one is asks, and all goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.events import Key
from textual.message import Message
from textual.widgets import Input

from regtui.errors import RealmNotTrusted
from regtui.operations.session import Credentials
from regtui.tui.arrangement import DETAILS, REPOSITORIES, TAGS
from regtui.tui.screens.browser import BrowserScreen
from regtui.tui.screens.confirm import ConfirmDialog
from regtui.tui.screens.login import LoginDialog, Secret
from regtui.tui.screens.open import OpenDialog
from regtui.tui.screens.realm import RealmDialog
from tests.conftest import LOGIN
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.guarded import MAINTAINER, READER, USERS, fill, keep_login
from tests.registry_servers.images import Layout
from tests.registry_servers.token_server import token_server
from tests.tui.running import FEW, WIDE, Running, running

NAME, PASSWORD = LOGIN


@pytest.fixture
def locked(registry_with_login: DockerRegistry, layout: Layout) -> DockerRegistry:
    """team/app, which only `LOGIN` may see."""
    fill(registry_with_login, layout)
    return registry_with_login


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[DockerRegistry]:
    """team/app, for users of a login server; anybody gets a token there, but one for nothing."""
    with (
        token_server(USERS, public={"public/*": "pull"}, tls=False) as server,
        docker_registry(tmp_path / "tokens", tokens=server, login=MAINTAINER) as registry,
    ):
        fill(registry, Layout(tmp_path / "images"))
        yield registry


async def asked(at: Running) -> None:
    await at.until(lambda: isinstance(at.app.screen, LoginDialog) and at.app.screen.is_mounted)


async def answer(at: Running, name: str, password: str, *keys: str) -> None:
    """Fills in the dialog, then presses keys."""
    await asked(at)
    at.app.screen.query_one("#username", Input).focus()
    at.app.screen.query_one("#username", Input).value = ""
    await at.type(name)
    await at.press("tab")
    await at.type(password)
    await at.press(*(keys or ("enter",)))


def files_with(folder: Path, *secrets: bytes) -> list[str]:
    """The files that hold one of them, below a folder."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [str(file.relative_to(folder)) for file in files if any(secret in file.read_bytes() for secret in secrets)]


async def test_a_registry_that_wants_a_login_asks_and_goes_on_where_it_was(locked: DockerRegistry) -> None:
    async with running(f"{locked.host}/team/app:2.0", WIDE) as at:
        await asked(at)
        assert f"{locked.host} asked for a login, and none was given." in at.text
        await answer(at, NAME, PASSWORD)
        await at.until("Tags · 4")
        await at.until("Digest ")
        assert at.browser.spot.reference.tag == "2.0"
        assert at.browser.pane == DETAILS
        assert NAME in at.lines[0]
        assert PASSWORD not in at.text


async def test_a_refused_login_stays_with_the_reason_the_name_kept_and_the_password_gone(
    locked: DockerRegistry,
) -> None:
    async with running(f"{locked.host}/") as at:
        await answer(at, NAME, "wrong")
        await at.until("refused the one that was given")
        dialog = at.app.screen
        assert isinstance(dialog, LoginDialog)
        assert dialog.query_one("#username", Input).value == NAME
        assert dialog.query_one(Secret).value == ""
        assert dialog.query_one(Secret).has_focus
        await at.type(PASSWORD)
        await at.press("enter")
        await at.until("▾ team")


async def test_cancel_leaves_the_reason_and_nothing_asks_again_until_l_is_pressed(locked: DockerRegistry) -> None:
    async with running(f"{locked.host}/team/app", WIDE) as at:
        await asked(at)
        await at.press("escape")
        await at.until(lambda: "Press L to log in." in at.browser.tags.empty_text)
        await at.press("r")
        await at.until("not connected")
        await at.pilot.pause(0.3)
        assert at.app.screen is at.browser
        await at.press("L")
        await answer(at, NAME, PASSWORD)
        await at.until("Tags · 4")
        assert at.browser.pane == TAGS


async def test_a_login_for_this_run_is_kept_nowhere(locked: DockerRegistry, isolated_environment: Path) -> None:
    async with running(f"{locked.host}/") as at:
        await answer(at, NAME, PASSWORD)
        await at.until("▾ team")
    assert not files_with(isolated_environment, b"c29tZW9uZTpwYXNzOndvcmQ", b"pass:word")


async def test_a_login_that_is_to_be_kept_is_in_dockers_file_with_a_word_of_warning(
    locked: DockerRegistry, isolated_environment: Path
) -> None:
    async with running(f"{locked.host}/", WIDE) as at:
        await answer(at, NAME, PASSWORD, "tab", "tab", "tab", "enter")
        await at.until("The login was kept in")
        await at.until("encrypted: who reads that file can read the password")
        await at.until("▾ team")
    assert files_with(isolated_environment, b"c29tZW9uZTpwYXNzOndvcmQ") == [".docker/config.json"]
    async with running(f"{locked.host}/", WIDE) as at:
        await at.until("▾ team")


async def test_what_is_missing_is_said_before_anybody_is_asked(locked: DockerRegistry) -> None:
    async with running(f"{locked.host}/") as at:
        await asked(at)
        await at.press("tab", "enter")
        await at.until("The user name is missing.")
        await at.type(NAME)
        await at.press("tab", "enter")
        await at.until("The password is missing.")
        assert not [line for line in locked.requests() if "_catalog" in line]


async def test_a_password_is_in_no_message_and_never_on_the_clipboard(
    locked: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    told = LoginDialog.post_message

    def post_message(dialog: LoginDialog, message: Message) -> bool:
        heard.append(repr(message))
        return told(dialog, message)

    monkeypatch.setattr(LoginDialog, "post_message", post_message)
    async with running(f"{locked.host}/") as at:
        await asked(at)
        secret = at.app.screen.query_one(Secret)
        secret.value = PASSWORD
        secret.focus()
        await at.pilot.pause()
        secret.select_all()
        await at.press("ctrl+x")
        assert PASSWORD not in at.app.clipboard
        secret.value = PASSWORD
        await at.press("enter")
        await at.pilot.pause()
    assert [text for text in heard if "Typed" in text]
    assert not [text for text in heard if PASSWORD in text]
    assert PASSWORD not in repr(Credentials(NAME, PASSWORD))


async def test_a_name_and_a_password_in_one_burst_with_the_key_go_into_both(locked: DockerRegistry) -> None:
    async with running(f"{locked.host}/") as at:
        await asked(at)
        await at.press("escape")
        await at.until(lambda: at.app.screen is at.browser)
        at.app.post_message(Key("L", "L"))
        for character in NAME:
            at.app.post_message(Key(character, character))
        at.app.post_message(Key("tab", None))
        for character in PASSWORD:
            at.app.post_message(Key("colon" if character == ":" else character, character))
        await at.until(lambda: isinstance(at.app.screen, LoginDialog) and at.app.screen.query_one(Secret).value)
        await at.until(lambda: at.app.screen.query_one(Secret).value == PASSWORD)
        assert at.app.screen.query_one("#username", Input).value == NAME


async def test_text_in_one_burst_with_the_key_that_opens_a_dialog_is_not_lost() -> None:
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        for character in "odocker.io":
            at.app.post_message(Key("full_stop" if character == "." else character, character))
        await at.until(lambda: isinstance(at.app.screen, OpenDialog) and at.app.screen.is_mounted)
        await at.until(lambda: at.app.screen.query_one(Input).value == "docker.io")


# Registries of tokens: they let anybody in, and tell by repository what one may see


async def test_no_catalog_for_nobody_is_no_question_but_tags_are(tokens: DockerRegistry) -> None:
    async with running(f"{tokens.host}/", WIDE) as at:
        await at.until(lambda: "Open a repository by name. Press L to log in." in at.browser.repositories.empty_text)
        await at.pilot.pause(0.3)
        assert at.app.screen is at.browser
        await at.press("enter")  # in the empty pane: a name can be given
        await at.until(lambda: isinstance(at.app.focused, Input))
        await at.type("team/app")
        await at.press("enter")
        await asked(at)
        await answer(at, *MAINTAINER)
        await at.until("Tags · 4")
        await at.until("Repositories · 1")
        assert at.browser.pane == TAGS


async def test_of_everything_that_is_refused_at_once_one_question_comes(tokens: DockerRegistry) -> None:
    async with running(f"{tokens.host}/team/app:1.0", WIDE) as at:
        await asked(at)
        await at.pilot.pause(0.5)
        await at.press("escape")
        await at.until(lambda: at.app.screen is at.browser)
        await at.pilot.pause(0.5)
        assert "Press L to log in." in at.browser.tags.empty_text
        assert at.app.screen is at.browser


async def test_who_is_logged_in_and_may_not_is_told_and_not_asked(
    tokens: DockerRegistry, isolated_environment: Path
) -> None:
    keep_login(isolated_environment, tokens.host, MAINTAINER)
    async with running(f"{tokens.host}/other/app", WIDE) as at:
        await at.until(lambda: "Press L to log in as another user." in at.browser.tags.empty_text)
        await at.pilot.pause(0.3)
        assert at.app.screen is at.browser


async def test_a_change_that_wants_another_user_asks_and_is_worked_out_anew(
    tokens: DockerRegistry, isolated_environment: Path
) -> None:
    keep_login(isolated_environment, tokens.host, READER)
    async with running(f"{tokens.host}/team/app", WIDE) as at:
        await at.until("Tags · 4 · newest first")
        at.browser.tags.go_to("2.0")
        await at.press("t")
        await at.type("3.0")
        await at.press("enter")
        for _ in range(2):
            await at.until(lambda: isinstance(at.app.screen, ConfirmDialog | LoginDialog))
            if isinstance(at.app.screen, LoginDialog):
                break
            await at.press("tab", "enter")
            await at.until("Close")
            await at.press("enter")
        await answer(at, *MAINTAINER)
        await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
        await at.press("tab", "enter")
        await at.until("Tags · 5")


# Login servers that nobody knows


@pytest.fixture
def strange(tmp_path: Path) -> Iterator[DockerRegistry]:
    """A registry whose login server is on another host."""
    with (
        token_server(USERS, host="127.0.0.2") as server,
        docker_registry(tmp_path / "strange", tokens=server, login=MAINTAINER) as registry,
    ):
        fill(registry, Layout(tmp_path / "images"))
        server.asked.clear()
        yield registry


async def test_a_login_server_that_is_not_known_is_asked_about_before_it_sees_a_kept_login(
    strange: DockerRegistry, isolated_environment: Path
) -> None:
    assert strange.tokens
    keep_login(isolated_environment, strange.host, MAINTAINER)
    async with running(f"{strange.host}/team/app", WIDE) as at:
        await at.until(lambda: isinstance(at.app.screen, RealmDialog) and at.app.screen.is_mounted)
        await at.until(strange.tokens.realm.removeprefix("http://").removesuffix("/token"))
        await at.press("enter")  # the safe answer
        await at.until(lambda: at.app.screen is at.browser)
        assert "Press L to log in." in at.browser.tags.empty_text
        assert {asked.way for asked in strange.tokens.asked} <= {"anonymous"}
    async with running(f"{strange.host}/team/app", WIDE) as at:
        await at.until(lambda: isinstance(at.app.screen, RealmDialog) and at.app.screen.is_mounted)
        await at.press("tab", "enter")
        await at.until("Tags · 4")
        assert MAINTAINER[0] in at.lines[0]
    async with running(f"{strange.host}/team/app", WIDE) as at:  # it is remembered
        await at.until("Tags · 4")


async def test_a_login_that_is_made_for_a_strange_login_server_is_asked_about_too(strange: DockerRegistry) -> None:
    async with running(f"{strange.host}/", WIDE) as at:
        await at.until(lambda: at.browser.loader.session)
        await at.press("L")
        await answer(at, *MAINTAINER)
        await at.until(lambda: isinstance(at.app.screen, RealmDialog) and at.app.screen.is_mounted)
        await at.press("escape")
        await at.until(lambda: isinstance(at.app.screen, LoginDialog))
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, RealmDialog) and at.app.screen.is_mounted)
        await at.press("tab", "enter")
        await at.until("▾ team")


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1)])
async def test_the_dialogs_fit_everywhere(locked: DockerRegistry, size: tuple[int, int]) -> None:
    async with running(f"{locked.host}/", size) as at:
        await asked(at)
        await at.type("somebody")
        if size[0] > 1:
            await at.until("somebody")
        await at.press("tab", "tab", "tab", "tab", "pagedown")
        if size[0] > 1:
            assert "Log in and k" in at.text
        await at.press("escape")
        at.browser.logins.ask(RealmNotTrusted("It asked for the login elsewhere", realm="auth.example.org"))
        await at.until(lambda: isinstance(at.app.screen, RealmDialog))
        await at.press("escape")
        await at.until(lambda: isinstance(at.app.screen, BrowserScreen))
        assert at.browser.pane == REPOSITORIES
