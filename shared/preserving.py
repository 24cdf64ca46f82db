"""Preserving: what a newer version wrote into a document stays there when an older one writes it again.

While replicas are replaced one by one, both versions write the same documents. An older one does not know the
newer fields, so its own account of a value lacks them: they are put back here.
"""

from typing import Any


def preserved(new: Any, old: Any, known: Any) -> Any:
    """The value `new`, with all that `old`, as stored, has beyond `known`: what was understood of it.

    All three are JSON values; `known` is `old` as this version reads it and would write it again. What was
    understood and is gone from `new` was taken out on purpose. Of a list, unchanged entries keep all they
    had, wherever they are now; a changed one is taken for the one that was at its place.
    """
    if new == known:
        return old
    if isinstance(new, dict) and isinstance(old, dict) and isinstance(known, dict):
        beyond = {key: value for key, value in old.items() if key not in known and key not in new}
        followed = {
            key: preserved(value, old[key], known[key]) if key in old and key in known else value
            for key, value in new.items()
        }
        return followed | beyond
    if isinstance(new, list) and isinstance(old, list) and isinstance(known, list) and len(old) == len(known):
        return _entries(new, old, known)
    return new


def _entries(new: list[Any], old: list[Any], known: list[Any]) -> list[Any]:
    left, kept = dict(enumerate(known)), dict[int, Any]()
    for place, entry in enumerate(new):
        at = next((number for number, value in left.items() if value == entry), None)
        if at is not None:
            kept[place] = old[at]
            del left[at]
    return [
        kept[place]
        if place in kept
        else preserved(entry, old[place], known[place])
        if place in left
        else entry
        for place, entry in enumerate(new)
    ]


def says_more(old: Any, new: Any) -> bool:
    """Whether `old` has a field that `new` lacks: otherwise there is nothing to preserve. Quick to tell."""
    if isinstance(new, dict) and isinstance(old, dict):
        return any(key not in new or says_more(value, new[key]) for key, value in old.items())
    if isinstance(new, list) and isinstance(old, list) and len(new):
        return any(says_more(entry, new[min(place, len(new) - 1)]) for place, entry in enumerate(old))
    return False
