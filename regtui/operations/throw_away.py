"""Removing a tag where the registry deletes only digests: a unique manifest takes its place and is deleted.

Whatever goes wrong on the way, the tag gets back what it had. The manifest says in its annotations what that was, so
that any regtui can recognise and undo what a cut-off removal left over (PROTOCOL.md, "Removing one tag", 4).
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress

from regtui.errors import Answered, PlanStale, RegtuiError, StepFailed
from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of
from regtui.oci.kinds import THROW_AWAY, THROW_AWAY_DIGEST, THROW_AWAY_MEDIA_TYPE
from regtui.oci.manifest import Manifest, decode_document
from regtui.operations.looking import found, found_after, name, names, put_back, still_points
from regtui.registry.client import Client
from regtui.registry.pace import insisting
from regtui.store.rows import Saved

_PAUSES = (0.5, 2.0, 5.0, 10.0, 20.0, 0.0)
"""Seconds between the tries to give a tag back what it had."""


def throw_away_manifests(original: Saved, nonce: str) -> list[tuple[bytes, str]]:
    """Unique manifests that can stand in for the original, the likeliest to be accepted first, with their media types.

    Registries want the config that a manifest names to be there: it has the original's. Where that is missing, too, an
    empty index does, which names nothing.
    """
    annotations = {
        THROW_AWAY: nonce,
        THROW_AWAY_DIGEST: original.digest,
        THROW_AWAY_MEDIA_TYPE: original.media_type,
    }
    index_type = original.media_type if original.media_type in media_types.INDEXES else media_types.OCI_INDEX
    candidates = [({"schemaVersion": 2, "mediaType": index_type, "manifests": []}, index_type)]
    content = decode_document(original.raw, original.digest, original.media_type).content
    if isinstance(content, Manifest):
        config = {"mediaType": content.config.media_type, "size": content.config.size, "digest": content.config.digest}
        manifest = {"schemaVersion": 2, "mediaType": original.media_type, "config": config, "layers": []}
        candidates.insert(0, (manifest, original.media_type))
    return [
        (json.dumps({**candidate, "annotations": annotations}).encode(), media_type)
        for candidate, media_type in candidates
    ]


async def remove_by_throw_away(client: Client, note: Callable[[str], None], tag: str, original: Saved) -> bool:
    """Takes one tag from a digest; False when somebody else had. `note` writes down each manifest before it is put.

    Raises what the registry said when it refused before anything was changed, and `StepFailed`, which says what the
    tag has now, for everything later.
    """
    ours: list[Digest] = []
    try:
        if not await _stand_in(client, note, tag, original, ours):
            return False
        await _delete(client, tag, original, ours[-1])
    except PlanStale:
        raise
    except Exception as error:  # whatever it was: a throw-away manifest must not stay
        with insisting():
            await _settle(client, tag, original, ours, error)
            await clear_names(client, note, [tag], original)
    return True


async def finish_throw_away(client: Client, tag: str, original: Saved, throw_away: Digest) -> None:
    """Ends a removal that was cut off when its throw-away manifest was on the tag. Raises `StepFailed`."""
    try:
        await _delete(client, tag, original, throw_away)
    except Exception as error:
        with insisting():
            await _settle(client, tag, original, [throw_away], error)


async def clear_names(client: Client, note: Callable[[str], None], tags: Collection[str], original: Saved) -> None:
    """Deletes those of the tags that are listed and lead nowhere.

    Docker's registry 2.8.2 was seen to keep such a name, and to answer 500, when it deleted a manifest while somebody
    put another one. A throw-away manifest makes it a tag again, which goes with that.
    """
    listed = await names(client, original.repository) if tags else []
    for tag in [tag for tag in tags if tag in listed]:
        for raw, media_type in throw_away_manifests(original, secrets.token_hex(16)):
            note(f"{THROW_AWAY} {digest_of(raw)}")
            try:
                async with client.turn(original.repository):
                    if await found(client, original.repository, tag) is None:
                        await client.put_manifest(original.repository, tag, raw, media_type)
                        await client.delete_manifest(original.repository, digest_of(raw))
            except Answered as error:
                if error.status >= 500:
                    raise
            else:
                break


async def _delete(client: Client, tag: str, original: Saved, throw_away: Digest) -> None:
    """Deletes the throw-away manifest, and with it the tag that it is on."""
    repository = original.repository
    async with client.turn(repository):
        if await found(client, repository, tag) != throw_away:
            with suppress(RegtuiError):  # no tag is on it: somebody moved ours
                await client.delete_manifest(repository, throw_away)
            raise StepFailed(f"{name(repository, tag)} was pushed anew meanwhile")
        await client.delete_manifest(repository, throw_away)
    if await found_after(client, repository, tag, throw_away) is not None:
        raise StepFailed(f"{client.registry} said that {name(repository, tag)} is deleted, and it is still there")


async def _stand_in(client: Client, note: Callable[[str], None], tag: str, original: Saved, ours: list[Digest]) -> bool:
    """Puts a throw-away manifest on the tag, the last of `ours`; False when somebody else has deleted the tag."""
    candidates = throw_away_manifests(original, secrets.token_hex(16))
    for number, (raw, media_type) in enumerate(candidates, 1):
        ours.append(digest_of(raw))
        note(f"{THROW_AWAY} {ours[-1]}")
        try:
            async with client.turn(original.repository):
                if not await still_points(client, original, [tag]):
                    return False
                await client.put_manifest(original.repository, tag, raw, media_type)
        except Answered as error:
            if error.status >= 500 or number == len(candidates):
                raise
        else:
            return True
    return False


async def _settle(client: Client, tag: str, original: Saved, ours: list[Digest], error: Exception) -> None:
    """After a failure: looks what the tag has, and gives back what it had. Returns when the tag is gone after all."""
    reference = name(original.repository, tag)
    reason = error.what if isinstance(error, RegtuiError) else repr(error)
    for pause in _PAUSES:
        try:
            async with client.turn(original.repository):
                now = await found(client, original.repository, tag)
                if now in ours:
                    await put_back(client, original, tag)
        except RegtuiError as problem:
            error = problem
            await asyncio.sleep(pause)
            continue
        if now is None:
            return
        if now == original.digest:
            raise error
        if now in ours:
            raise StepFailed(f"{reference} could not be deleted, and was put back as it was: {reason}") from error
        raise StepFailed(f"{reference} was pushed anew meanwhile: it points to {now} and was left there") from error
    raise StepFailed(
        f"{reference} may hold a throw-away manifest instead of {original.digest}: {reason}",
        "When the registry answers again, undo this change: the journal has what the tag had.",
    ) from error
