"""Erasing: what notify forgets of a customer, and what can then never be sent to them.

It holds whatever the order of the news: what comes later is forgotten at once. A notice that is being sent
at that moment cannot be called back; its report says whether it left the house.
"""

from services.notify.domain.record import Notice, Notices, Wish


def forgotten(state: Notices) -> Notices:
    """The record as it is, or of an erased customer without contact, answers, addresses and words.

    What would have been told is put down as suppressed once the pack is known, which may have it off.
    """
    if not state.erased:
        return state
    lost = [each for each in state.wishes if each.to is None]
    never = [_never_made(each) for each in lost] if state.registered else []
    waiting = [] if state.registered else [each.model_copy(update={"details": {}}) for each in lost]
    return state.model_copy(
        update={
            "contact": None,
            "replies": {},
            "wishes": [*(each for each in state.wishes if each.to is not None), *waiting],
            "notices": [*(_without_words(each) for each in state.notices), *never],
        }
    )


def suppressed(each: Notice) -> Notice:
    """A notice to an erased customer, which nobody attempts any more."""
    never = {"state": "suppressed", "route": None, "claim": None, "next_at": None, "again_at": None}
    return each.model_copy(update=never | {"reason": "erased"})


def _without_words(each: Notice) -> Notice:
    """What goes to a department names nobody."""
    if not each.to_customer:
        return each
    bare = each.model_copy(update={"address": "", "details": {}})
    return bare if each.state in ("sent", "sending", "suppressed") else suppressed(bare)


def _never_made(wanted: Wish) -> Notice:
    return Notice(
        id=wanted.id,
        kind=wanted.kind,
        cycle=wanted.cycle,
        route=None,
        address="",
        details={},
        traceparent=wanted.traceparent,
        state="suppressed",
        reason="erased",
    )
