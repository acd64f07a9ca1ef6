"""Deleting, retagging, undoing, copying: dialogs made from plans, the safe answer first."""

from collections.abc import AsyncIterator

import pytest

from regtui.errors import RegtuiError
from regtui.oci.digest import short
from regtui.operations.plan import Plan
from regtui.operations.runner import Finished, RunnerEvent, StepFailed_, StepStarted
from regtui.operations.session import Session
from regtui.tui.connections import Connections
from regtui.tui.screens.browser import BrowserScreen
from regtui.tui.screens.confirm import ConfirmDialog
from regtui.tui.screens.copy import ChoiceDialog
from regtui.tui.screens.planning import PlanningDialog
from regtui.tui.screens.running import RunningDialog
from tests.tui.running import APP, DEMO, FEW, WIDE, Running, confirmed, running


async def at_tag(at: Running, tag: str) -> None:
    """Puts the cursor on a tag of the repository that is shown."""
    await at.until("newest first")
    at.browser.tags.go_to(tag)
    await at.until(lambda: at.browser.spot.reference.tag == tag)


async def test_deleting_a_tag_says_what_stays_and_how_and_what_undoes_it() -> None:
    async with running(APP) as at:
        await at_tag(at, "v1.14")
        await at.press("d")
        await at.until("Delete 1 tag from team/app")
        assert "latest, v1.14.2 and v1 (same digest); checked all 406 tags" in at.text
        for label in ("Stays", "How", "Reclaims", "Undo"):
            assert label in at.text
        assert at.app.focused
        assert at.app.focused.has_class("-safe")


async def test_a_key_right_after_the_cursor_moved_means_the_tag_it_moved_to() -> None:
    async with running(APP) as at:
        await at_tag(at, "v1.14.2")
        at.browser.tags.action_down()  # keys that come in one burst: nothing else is handled in between
        at.browser.action_delete()
        await at.until("Delete 1 tag from team/app")
        assert "▌v1.14 " in at.text


async def test_the_safe_answer_changes_nothing() -> None:
    async with running(FEW) as at:
        await at_tag(at, "1.29.2")
        for answer in ("enter", "escape"):
            await at.press("d")
            await at.until("Delete 1 tag from nginx")
            await at.press(answer)
            assert at.app.screen is at.browser
        assert "1.29.2 " in at.text


async def test_a_deleted_tag_is_gone_from_the_table_and_its_siblings_stay_and_undo_brings_it_back() -> None:
    async with running(APP) as at:
        await at_tag(at, "v1.14")
        await at.press("d")
        await confirmed(at)
        await at.until("Tags · 405 ·")
        assert at.browser.tags.facts("v1.14") is None
        assert at.browser.tags.facts("v1.14.2")
        await at.press("u")
        await at.until("team/app:v1.14  on ")
        await confirmed(at)
        await at.until("Tags · 406 ·")


async def test_marked_tags_go_together() -> None:
    async with running(APP) as at:
        await at_tag(at, "v1.12.11")
        await at.press("space", "space", "space")
        await at.until(lambda: "3 marked · " in at.lines[-1])
        await at.press("d")
        await at.until("Delete 3 tags from team/app")
        await confirmed(at)
        await at.until("Tags · 403 ·")
        assert "marked" not in at.lines[-1]


async def test_a_protected_tag_asks_for_its_name() -> None:
    async with running(APP) as at:
        await at_tag(at, "latest")
        await at.press("d")
        await at.until("Type latest to go on:")
        button = at.app.screen.query_one(".-doing")
        assert button.disabled
        await at.press("shift+tab")
        await at.type("lates")
        assert button.disabled
        await at.press("enter")
        await at.until("That is not latest.")
        await at.press("t")
        assert not button.disabled


async def test_more_than_twenty_tags_ask_for_their_number() -> None:
    async with running(APP) as at:
        await at.until("newest first")
        await at.press("slash")
        await at.type("v1.9.")
        await at.press("enter", "A", "d")
        await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
        number = len(at.browser.tags.marked)
        await at.until(f"Type {number} to go on:" if number > 20 else "Delete")
        assert number > 20


async def test_a_digest_goes_with_every_tag_on_it_each_named() -> None:
    async with running(APP) as at:
        await at_tag(at, "v1.14")
        await at.press("D")
        await at.until("and its 4 tags from team/app")
        for tag in ("latest", "v1", "v1.14", "v1.14.2"):
            assert f"{tag}  " in at.text
        assert "Delete 4 tags" in at.text


async def test_a_new_tag_has_the_same_digest() -> None:
    async with running(APP) as at:
        await at_tag(at, "v1.12.11")
        await at.press("t")
        await at.type("release")
        await at.press("enter")
        await at.until("which is new")
        await confirmed(at)
        await at.until("Tags · 407 ·")
        await at.until(lambda: at.browser.tags.facts("release"))
        assert at.browser.tags.facts("release") == at.browser.tags.facts("v1.12.11")


async def test_a_tag_in_another_repository_shows_that_repository() -> None:
    async with running(FEW, WIDE) as at:
        await at_tag(at, "1.29.2")
        await at.press("t")
        await at.type("mirror/nginx:1.29.2")
        await at.press("enter")
        await confirmed(at)
        await at.until("Repositories · 15")
        assert "mirror" in at.text


async def test_in_an_image_of_an_index_a_deletion_never_means_the_tag_of_the_index() -> None:
    async with running(f"{FEW}:latest") as at:
        await at.until("Platforms")
        await at.press("right_square_bracket", "right_square_bracket", "enter")
        await at.until("› linux/amd64")
        await at.press("d")
        assert at.app.screen is at.browser
        image = at.browser.spot.shown.digest
        assert image
        await at.press("D")
        await at.until(f"Delete {short(image)}")


async def test_what_no_row_shows_cannot_be_deleted() -> None:
    async with running(FEW) as at:
        await at_tag(at, "1.29.2")
        await at.press("slash")
        await at.type("nothing-like-it")
        await at.until("No tag of nginx matches")
        await at.press("enter", "d", "D", "t")
        assert at.app.screen is at.browser
        await at.press("escape")
        await at.until(lambda: at.browser.tags.current)
        await at.press("1", "d", "D", "t")
        assert at.app.screen is at.browser


async def test_retagging_says_when_the_name_exists_and_what_it_points_to() -> None:
    async with running(APP) as at:
        await at_tag(at, "v1.12.11")
        await at.press("t")
        await at.type("v1.12.10")
        await at.press("enter")
        await at.until("exists, and points to ")


async def test_retagging_to_what_no_tag_can_be_says_why_in_the_dialog() -> None:
    async with running(APP) as at:
        await at_tag(at, "v1.12.11")
        await at.press("t")
        await at.type("a b")
        await at.press("enter")
        await at.until("is no tag")


async def test_a_change_that_cannot_be_planned_says_why_and_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*args: object, **options: object) -> None:
        raise RegtuiError("[b]Deletion[/] is switched off", "Switch it on.")

    monkeypatch.setattr("regtui.operations.removal.plan_removal", refused)
    async with running(APP) as at:
        await at_tag(at, "v1.14")
        await at.press("d")
        await at.until("[b]Deletion[/] is switched off. Switch it on.")
        assert [type(screen) for screen in at.app.screen_stack[-2:]] == [BrowserScreen, PlanningDialog]
        await at.press("enter")
        assert at.app.screen is at.browser


async def test_steps_that_fail_are_listed_and_the_table_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(
        self: Connections, session: Session, plan: Plan, continues: int | None = None
    ) -> AsyncIterator[RunnerEvent]:
        yield StepStarted(1, 1, "remove v1.14")
        yield StepFailed_(1, 1, "remove v1.14", RegtuiError("The registry said no", "Ask its operator."))
        yield Finished(0, 1, 0, 1)

    monkeypatch.setattr(Connections, "execute", failing)
    async with running(APP) as at:
        await at_tag(at, "v1.14")
        await at.press("d")
        await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
        await at.press("tab", "enter")
        await at.until("! remove v1.14: The registry said no. Ask its operator.")
        assert [type(screen) for screen in at.app.screen_stack[-2:]] == [BrowserScreen, RunningDialog]
        assert "1 failed" in at.text
        await at.press("enter")
        assert at.app.screen is at.browser


async def test_copying_offers_reference_digest_and_pull_commands() -> None:
    async with running(FEW, WIDE) as at:
        await at_tag(at, "1.29.2")
        await at.until("Platforms")
        await at.press("y")
        await at.until(lambda: isinstance(at.app.screen, ChoiceDialog))
        assert "docker pull demo.localhost/nginx:1.29.2" in at.text
        assert "podman pull" in at.text
        assert "@sha256:" in at.text
        await at.press("down", "enter")
        await at.until("Copied")
        facts = at.browser.tags.facts("1.29.2")
        assert facts
        assert at.app.clipboard == facts.digest


@pytest.mark.parametrize("name", ["/base/alpine", "base/alpine"])
async def test_any_reference_is_opened_by_name_and_left_by_backspace(name: str) -> None:
    async with running(FEW, WIDE) as at:
        await at_tag(at, "1.29.2")
        await at.press("o")
        await at.type(name)
        await at.press("enter")
        await at.until(lambda: at.lines[0].strip().startswith("demo.localhost › base/alpine"))
        await at.press("backspace")
        await at.until(lambda: at.lines[0].strip() == "demo.localhost › nginx › 1.29.2")


async def test_what_is_no_reference_says_so_in_the_dialog() -> None:
    async with running(DEMO) as at:
        await at.until("debian")
        await at.press("o")
        await at.type("/UPPER")
        await at.press("enter")
        await at.until("lower case")
        await at.press("escape")
        assert at.app.screen is at.browser


async def test_help_is_made_from_the_live_keys() -> None:
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        await at.press("question_mark")
        await at.until("In this pane")
        for words in ("mark a range", "delete", "zoom the pane"):
            assert words in at.text
        await at.press("pagedown", "pagedown", "pagedown")
        await at.until("set -g set-clipboard on")
    async with running(FEW, WIDE, read_only=True) as at:
        await at.until("newest first")
        await at.press("question_mark")
        await at.until("In this pane")
        assert "retag" not in at.text


async def test_ctrl_c_asks_and_a_second_one_quits() -> None:
    async with running(DEMO) as at:
        await at.until("debian")
        await at.press("ctrl+c")
        await at.until("Quit regtui")
        assert at.app.focused
        assert at.app.focused.has_class("-safe")
        await at.press("enter")
        assert at.app.screen is at.browser
        await at.press("ctrl+c", "ctrl+c")
        await at.until(lambda: not at.app.is_running or at.app._exit)
