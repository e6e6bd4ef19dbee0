"""Whose a store is: the key of its twin, unique over all ledgers, stands in its root.

A number is not enough, since two ledgers that use one folder both begin to count at 1.
"""

from __future__ import annotations

from twinpipe.errors import StoreError
from twinpipe.place import Place, place
from twinpipe.seals import read_json


def twin_key_of(path: Place) -> str | None:
    """The key in the root of a store, None when there is none; StoreError when the root is damaged."""
    root = read_json(path / "zarr.json")
    attributes = root.get("attributes") if isinstance(root, dict) else None
    key = attributes.get("twin_key") if isinstance(attributes, dict) else None
    return key if isinstance(key, str) else None


def is_own_store(path: Place, key: str, recorded: str | None) -> bool:
    """Whether the store at path is that of the twin with a key, whose row says that its store is at recorded.

    A store whose root is damaged does not tell: it is the twin's only where the row says so.
    """
    try:
        found = twin_key_of(path)
    except StoreError:
        found = None
    if found is None:
        return recorded is not None and place(recorded) == path.absolute()
    return found == key
