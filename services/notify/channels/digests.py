"""Digests in words: how many notices of each kind there are, and about which complaints."""

from math import ceil

from services.notify.channels.wording import Words, texts
from services.notify.domain.posting import Digest

NAMED = 100
"""Receipt numbers that a digest names of each kind."""


def digest_words(digest: Digest) -> Words:
    """The text of a digest, in the language of the complaint that began it."""
    counts = digest.counts
    numbers = {kind: sorted(digest.items.get(kind, {}).values()) for kind in counts}
    span = (digest.until or digest.at) - digest.at
    text = texts.get_template(f"{digest.language}/digest.txt").render(
        total=sum(counts.values()),
        counts=counts,
        numbers={kind: named[:NAMED] for kind, named in numbers.items()},
        minutes=max(1, ceil(span.total_seconds() / 60)),
    )
    subject, _, body = text.partition("\n")
    return Words(subject.strip(), body.strip() + "\n", digest.language)
