"""What tags point to, by digest and in columns: 100,000 facts as objects would be 35 MB, so they are 20."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta

from regtui.oci.digest import Digest
from regtui.oci.kinds import Kind
from regtui.operations.inventory import TagFacts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NO_DATE = -(2**63)

_Shape = tuple[str, Kind, str, tuple[str, ...], bool]  # what few digests have of their own


class Digests:
    """Numbers digests as they come. A number stays its digest's for good."""

    def __init__(self) -> None:
        self.created = array("q")  # microseconds since 1970, or NO_DATE
        self.size = array("q")  # bytes
        self._pushed = array("q")  # as `created`
        self._pulled = array("q")
        self.tags = array("i")  # how many tags point here
        self.version = array("i")  # grows whenever the facts change
        self._numbers: dict[bytes, int] = {}
        self._names: list[bytes] = []
        self._shapes: list[_Shape] = []
        self._shared: dict[_Shape, _Shape] = {}

    def put(self, facts: TagFacts) -> int:
        """The number of these facts' digest. They replace what was known of it before, unless that was more."""
        name = name_of(facts.digest)
        number = self._numbers.setdefault(name, len(self._names))
        if number == len(self._names):
            self._names.append(name)
            self.created.append(0)
            self.size.append(0)
            self._pushed.append(NO_DATE)
            self._pulled.append(NO_DATE)
            self.tags.append(0)
            self.version.append(0)
            self._shapes.append(("", Kind.ARTIFACT, "", (), False))
        elif facts.partial and not self.facts(number).partial:
            return number
        shape = (facts.media_type, facts.kind, facts.created_source, facts.platforms, facts.partial)
        self._shapes[number] = self._shared.setdefault(shape, shape)
        self.created[number] = _number(facts.created)
        self._pushed[number], self._pulled[number] = _number(facts.pushed), _number(facts.pulled)
        self.size[number] = min(facts.size, 2**63 - 1)
        self.version[number] += 1
        return number

    def number(self, name: bytes) -> int | None:
        """The number of a digest, by its `name_of`; None when it never came."""
        return self._numbers.get(name)

    def facts(self, number: int) -> TagFacts:
        """They come out equal to what was put in."""
        media_type, kind, source, platforms, partial = self._shapes[number]
        name = self._names[number]
        return TagFacts(
            digest=Digest(f"sha{len(name) * 8}:{name.hex()}"),
            media_type=media_type,
            kind=kind,
            created=_date(self.created[number]),
            created_source=source,
            size=self.size[number],
            platforms=platforms,
            partial=partial,
            pushed=_date(self._pushed[number]),
            pulled=_date(self._pulled[number]),
        )


def name_of(digest: Digest) -> bytes:
    """A digest's bytes; their number tells the algorithm."""
    return bytes.fromhex(digest.partition(":")[2])


def _number(date: datetime | None) -> int:
    return NO_DATE if date is None else (date - _EPOCH) // _MICROSECOND


def _date(number: int) -> datetime | None:
    return None if number == NO_DATE else _EPOCH + timedelta(microseconds=number)
