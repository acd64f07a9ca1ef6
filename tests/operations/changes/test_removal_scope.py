"""What goes when tags go, decided on a graph alone: whatever the graph, nothing that stays loses what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from regtui.oci.digest import Digest, digest_of
from regtui.oci.kinds import Kind, companion_tags
from regtui.operations.removal_scope import parents, reclaimable, scope
from regtui.operations.usage import Links, Usage


def digest(number: int) -> Digest:
    return digest_of(b"%d" % number)


@dataclass
class Repository:
    """Manifests by number, each of which may refer to lower numbers only, as content addressing has it."""

    children: dict[int, list[int]] = field(default_factory=dict)
    subjects: dict[int, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    blobs: dict[int, list[int]] = field(default_factory=dict)

    def usage(self) -> Usage:
        usage = Usage(tuple(self.tags), complete=True)
        for tag, number in self.tags.items():
            usage.point(tag, digest(number))
        for number in self.reachable(self.tags.values()):
            subject = self.subjects.get(number)
            links = Links(
                Kind.INDEX if self.children.get(number) else Kind.IMAGE,
                "",
                1000 + number,
                tuple(map(digest, self.children.get(number, ()))),
                None if subject is None else digest(subject),
                tuple((f"blob {blob}", blob) for blob in self.blobs.get(number, ())),
            )
            usage.add(digest(number), links)
        return usage

    def reachable(self, roots: Iterable[int]) -> set[int]:
        """By children, by what is about them, and to their subjects (which are there, tagged or not)."""
        waiting, seen = list(roots), set[int]()
        while waiting:
            number = waiting.pop()
            if number not in seen:
                seen.add(number)
                waiting += self.children.get(number, ())
                waiting += [other for other, subject in self.subjects.items() if subject == number]
                waiting += [self.subjects[number]] if number in self.subjects else []
        return seen


@st.composite
def repositories(draw: st.DrawFn) -> Repository:
    size = draw(st.integers(1, 8))
    made = Repository()
    for number in range(size):
        lower = st.integers(0, number - 1) if number else st.nothing()
        made.children[number] = draw(st.lists(lower, unique=True, max_size=3)) if number else []
        made.blobs[number] = draw(st.lists(st.integers(1, 6), unique=True, max_size=3))
        if number and draw(st.integers(0, 3)) == 0:
            made.subjects[number] = draw(lower)
    names = [f"tag{number}" for number in range(4)] + [companion_tags(digest(number))[1] for number in range(size)]
    made.tags = draw(st.dictionaries(st.sampled_from(names), st.integers(0, size - 1), min_size=1))
    return made


@given(repositories(), st.data())
def test_what_stays_keeps_all_that_it_needs(repository: Repository, data: st.DataObject) -> None:
    usage = repository.usage()
    asked = data.draw(st.lists(st.sampled_from(sorted(repository.tags)), unique=True))
    decided = scope(usage, asked)
    gone = set(decided.digests)
    staying = {tag: number for tag, number in repository.tags.items() if tag not in decided.tags}
    needed = set(staying.values())
    waiting = list(needed)
    while waiting:
        below = repository.children.get(waiting.pop(), ())
        waiting += [child for child in below if child not in needed]
        needed.update(below)
    assert gone.isdisjoint(map(digest, needed))


@given(repositories(), st.data())
def test_what_goes_was_reached_from_what_was_asked_for(repository: Repository, data: st.DataObject) -> None:
    usage = repository.usage()
    asked = data.draw(st.lists(st.sampled_from(sorted(repository.tags)), unique=True))
    decided = scope(usage, asked)
    assert list(decided.tags[: len(asked)]) == asked
    for tag in decided.tags[len(asked) :]:  # others go only as companions, by their names, of what goes
        assert any(tag in companion_tags(gone) for gone in decided.digests)
    assert set(decided.digests) <= set(usage.below([usage.tags[tag] for tag in asked]))


@given(repositories(), st.data())
def test_nothing_stands_before_an_index_that_has_it(repository: Repository, data: st.DataObject) -> None:
    usage = repository.usage()
    decided = scope(usage, data.draw(st.lists(st.sampled_from(sorted(repository.tags)), unique=True)))
    place = {gone: number for number, gone in enumerate(decided.digests)}
    assert len(place) == len(decided.digests)
    for number, children in repository.children.items():
        for child in children:
            if digest(number) in place and digest(child) in place:
                assert place[digest(number)] < place[digest(child)]
                assert digest(number) in parents(usage, decided.digests)[digest(child)]


@given(repositories(), st.data())
def test_the_bytes_are_those_that_garbage_collection_gives_back(repository: Repository, data: st.DataObject) -> None:
    usage = repository.usage()
    decided = scope(usage, data.draw(st.lists(st.sampled_from(sorted(repository.tags)), unique=True)))

    def stored(manifests: set[int]) -> int:
        blobs = {blob for number in manifests for blob in repository.blobs[number]}
        return sum(1000 + number for number in manifests) + sum(blobs)

    before = repository.reachable(repository.tags.values())
    before = {number for number in before if digest(number) in usage.manifests}
    after = {number for number in before if digest(number) not in decided.digests}
    assert reclaimable(usage, set(decided.digests)) == stored(before) - stored(after)


@given(repositories(), st.data())
def test_when_not_all_is_known_only_what_is_forced_goes(repository: Repository, data: st.DataObject) -> None:
    usage = repository.usage()
    usage.unread.append("a tag that can't be read")
    asked = data.draw(st.lists(st.sampled_from(sorted(repository.tags)), unique=True))
    assert scope(usage, asked).digests == ()
    forced = [usage.tags[tag] for tag in asked]
    assert set(scope(usage, asked, forced).digests) == set(forced)


def test_a_left_over_throw_away_keeps_what_its_tag_pointed_to() -> None:
    usage = Usage(("1.0", "2.0"), complete=True)
    usage.point("1.0", digest(1))
    usage.point("2.0", digest(2))
    usage.add(digest(1), Links(Kind.IMAGE, "", 1))
    usage.add(digest(2), Links(Kind.THROW_AWAY, "", 1, original=digest(1)))
    assert scope(usage, ["1.0"]).digests == ()
    assert scope(usage, ["2.0"]).digests == (digest(2),)
