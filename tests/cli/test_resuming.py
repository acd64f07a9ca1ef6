"""`regtui resume` and `regtui history` after a process was killed in the middle of a change."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from regtui.cli.program import run
from regtui.config import load_settings
from regtui.oci import media_types
from regtui.oci.kinds import THROW_AWAY, THROW_AWAY_DIGEST
from regtui.store.journal import Journal
from tests.cli.conftest import Ran, regtui
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.guarded import fill
from tests.registry_servers.images import Layout, skopeo_digest, skopeo_tags
from tests.registry_servers.killing import KillingProxy, killing_proxy

LEFT = "team/app:1.0 may hold a throw-away manifest"


class Killed:
    """`regtui rm team/app:1.0` was killed when its throw-away manifest was on the tag; 1 and latest are the same."""

    def __init__(self, registry: DockerRegistry, proxy: KillingProxy, folder: Path) -> None:
        self.registry = registry
        self.host = proxy.hosts[0]
        self.digest = skopeo_digest(registry, "team/app:latest")
        self._proxy = proxy
        self._file = folder / "ran"

        def remove() -> None:
            run(["rm", "--yes", f"{self.host}/team/app:1.0"], lambda start: 0)

        assert proxy.run(remove, kill_at="PUT").killed
        assert self.now("1.0") != self.digest

    def regtui(self, *arguments: str) -> Ran:
        """As ever, behind the proxy."""

        def inside() -> None:
            self._file.write_bytes(pickle.dumps(regtui(*arguments)))

        self._proxy.run(inside)
        ran: Ran = pickle.loads(self._file.read_bytes())
        return ran

    def now(self, tag: str) -> str:
        headers = self.registry.request(
            "HEAD", f"/v2/team/app/manifests/{tag}", headers={"Accept": media_types.ACCEPT}
        )[1]
        return headers.get("docker-content-digest", "")

    @property
    def tags(self) -> list[str]:
        return sorted(skopeo_tags(self.registry, "team/app"))


@pytest.fixture
def killed(registry: DockerRegistry, layout: Layout, tmp_path: Path) -> Iterator[Killed]:
    fill(registry, layout)
    with killing_proxy(registry) as proxy:
        yield Killed(registry, proxy, tmp_path)


def test_what_was_cut_off_is_said(killed: Killed) -> None:
    (row,) = regtui("history", "--json").objects
    assert (row["state"], row["cut_off"], row["undone_by"]) == ("running", True, None)
    assert "cut off" in regtui("history").out
    (step,) = regtui("history", "1", "--json").objects
    assert (step["step"], step["outcome"], step["tag"]) == (1, "started", "1.0")
    assert "remove tag team/app:1.0" in regtui("history", "1").out
    told = regtui("resume", "--dry-run").out
    assert "Delete 1 tag from team/app" in told
    assert "It was cut off: 0 of 1 step done, 1 may have been sent" in told
    assert "May hold a throw-away manifest: team/app:1.0" in told
    assert regtui("resume", "--dry-run", "--json").objects[0]["left_over"] == ["team/app:1.0"]


def test_another_change_tells_of_it(killed: Killed) -> None:
    told = killed.regtui("tag", f"{killed.host}/team/app:2.0", "new")
    assert told.code == 0
    assert "Change 1, Delete 1 tag from team/app, was cut off" in told.err
    assert "regtui resume 1" in told.err
    assert not killed.regtui("--quiet", "tag", f"{killed.host}/team/app:2.0", "newer").err


def test_it_is_finished(killed: Killed) -> None:
    assert killed.regtui("resume", "--finish", "--dry-run").out.startswith("Finish: Delete 1 tag from team/app\n")
    assert "1.0" in killed.tags
    ran = killed.regtui("resume", "--finish", "--yes", "--json")
    assert ran.code == 0
    assert (ran.objects[0]["change"], ran.objects[0]["done"], ran.objects[0]["failed"]) == (1, 1, 0)
    assert killed.tags == ["1", "2.0", "latest"]
    assert regtui("history", "--json").objects[0]["state"] == "done"
    assert "No change was cut off" in regtui("resume", "--finish", "--yes").err
    assert killed.regtui("undo", "--yes").code == 0
    assert killed.now("1.0") == killed.digest


def test_it_is_put_back(killed: Killed) -> None:
    assert killed.regtui("resume", "--put-back", "--yes").code == 0
    assert killed.now("1.0") == killed.digest
    assert "No change was cut off" in regtui("resume", "--put-back", "--yes").err
    assert [row["undone_by"] for row in regtui("history", "--json").objects] == [None, 2]
    assert "undone by 2" in regtui("history").out


def test_it_is_left_without_asking_the_registry(killed: Killed) -> None:
    ran = regtui("resume", "--leave")
    assert ran.code == 0
    assert "regtui undo 1 can still put it back" in ran.err
    assert f"{LEFT}: regtui resume {killed.host}/team/app:1.0" in ran.err
    assert "No change was cut off" in regtui("resume", "--dry-run").err
    assert killed.regtui("resume", "--yes", f"{killed.host}/team/app:1.0").code == 0
    assert killed.now("1.0") == killed.digest


def test_without_a_terminal_it_is_said_what_is_to_be_added(killed: Killed) -> None:
    for arguments in (
        ("resume",),
        ("resume", "--finish"),
        ("resume", "--yes"),
        ("resume", f"{killed.host}/team/app:1"),
    ):
        ran = regtui(*arguments)
        assert (ran.code, ran.out) == (2, "")
    assert killed.tags == ["1", "1.0", "2.0", "latest"]


def test_what_another_machine_left_is_put_back(registry: DockerRegistry, layout: Layout) -> None:
    """This machine's journal knows nothing of it."""
    fill(registry, layout)
    digest = skopeo_digest(registry, "team/app:2.0")
    media_type = "application/vnd.oci.image.index.v1+json"
    content = {"schemaVersion": 2, "mediaType": media_type, "manifests": []}
    raw = json.dumps(content | {"annotations": {THROW_AWAY: "nonce", THROW_AWAY_DIGEST: digest}}).encode()
    registry.request("PUT", "/v2/team/app/manifests/1.0", raw, {"Content-Type": media_type})
    reference = f"{registry.host}/team/app:1.0"
    assert f"Put team/app:1.0 back to {digest[7:19]}" in regtui("resume", "--dry-run", reference).out
    assert regtui("resume", "--yes", reference).code == 0
    assert skopeo_digest(registry, "team/app:1.0") == digest
    assert "holds no throw-away manifest" in regtui("resume", "--yes", reference).err


def test_history_says_how_many_changes_were_forgotten_for_their_age(isolated_environment: Path) -> None:
    settings = load_settings({})
    journal = Journal(settings.state_dir, settings.journal_days)
    journal.begin("registry.example", "Delete 1 tag", []).close()
    journal.write("UPDATE change SET time = ?", "2020-01-02T03:04:05+00:00")
    journal.begin("registry.example", "Delete 2 tags", []).close()
    journal.close()
    ran = regtui("history")
    assert "Delete 1 tag" not in ran.out
    assert "regtui: 1 change from before" in ran.err
