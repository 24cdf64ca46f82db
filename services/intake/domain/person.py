"""A person: whoever complains, known again by fingerprints; their key seals everything that points to them.

Without the key nothing of theirs can be read any more, wherever a copy of it lies.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel

from services.intake.domain.complaint import Complaint
from services.intake.domain.hearing import advance
from shared.envelope import Cause
from shared.events import ContactErased, Fact

PEOPLE = UUID("b8a5f1f0-3a0e-5a0e-9c61-0d6f5d1f7c0a")
Why = Literal["requested", "retention"]


NOBODY = UUID(int=0)
"""Whose an erased complaint is."""


class Person(BaseModel):
    """`key` is sealed under the house's own; None once erased. `swept` when nothing of theirs was left.

    Somebody is `leaving` since a record of theirs was at its end: their key takes nothing new, and goes if no
    record is left. `along` are those who are erased together with them: one write holds the whole intent.
    """

    fingerprints: list[str] = []
    key: str | None = None
    leaving: AwareDatetime | None = None
    erased_at: AwareDatetime | None = None
    along: list[UUID] = []
    swept: bool = True

    @property
    def takes_new(self) -> bool:
        """Whether a new complaint is sealed with this key."""
        return self.key is not None and self.leaving is None

    @property
    def erasing_due(self) -> datetime | None:
        """When an erasure is looked after once more: what a crash left, or came in at the same moment."""
        if self.key is not None:
            return self.leaving
        return None if self.swept else self.erased_at


class Erasure(BaseModel):
    """Why something is erased."""

    why: Why


def person_id(fingerprints: tuple[str, ...], complaint: UUID, generation: int) -> UUID:
    """Who this is: the same ways to reach them are the same person.

    Whoever was erased is met as somebody new, of the next generation; whoever cannot be known again is a
    person of one complaint.
    """
    known = " ".join(fingerprints) or str(complaint)
    return uuid5(PEOPLE, f"{known} {generation}")


def meet(state: Person | None, cause: Cause[Person]) -> tuple[Person, list[Fact]]:
    """A person met for the first time gets the key that the cause brings."""
    return state or cause.data, []


def leave(state: Person | None, cause: Cause[None]) -> tuple[Person | None, list[Fact]]:
    """A record of theirs is at its end: the key takes nothing new until it is known if others are left."""
    if state is None or not state.takes_new:
        return state, []
    return state.model_copy(update={"leaving": cause.time}), []


def stay(state: Person | None, cause: Cause[None]) -> tuple[Person | None, list[Fact]]:
    """Other records of theirs are left."""
    return (state.model_copy(update={"leaving": None}) if state else None), []


def forget(state: Person | None, cause: Cause[list[UUID]]) -> tuple[Person | None, list[Fact]]:
    """The key is destroyed, theirs and that of those who go along; what it sealed is to be removed next."""
    if state is None or (state.key is None and set(cause.data) <= set(state.along)):
        return state, []
    along = sorted({*state.along, *cause.data})
    return Person(erased_at=state.erased_at or cause.time, along=along, swept=False), []


def sweep(state: Person | None, cause: Cause[None]) -> tuple[Person | None, list[Fact]]:
    """Nothing that the key sealed is left."""
    if state is None or state.key is not None:
        return state, []
    return state.model_copy(update={"along": [], "swept": True}), []


def erase(state: Complaint | None, cause: Cause[Erasure]) -> tuple[Complaint | None, list[Fact]]:
    """Strip a record. What figures are made of stays as it is.

    A record that was opened again has more time.
    """
    if state is None or state.erased is not None:
        return state, []
    if cause.data.why == "retention" and state.closed_at is None:
        return state, []
    return advance(state, stripped(state, cause.time), [ContactErased(reason=cause.data.why)], cause)


def stripped(state: Complaint, at: datetime) -> Complaint:
    """The record without anything that points to a person."""
    bare = {
        "personal": {},
        "person": NOBODY,
        "erased": at,
        "edition": state.edition + 1,
        "actions": [each.model_copy(update={"words": {}}) for each in state.actions],
        "notes": [each.model_copy(update={"words": {}}) for each in state.notes],
        "evidence": [each.model_copy(update={"words": {}, "sha256": ""}) for each in state.evidence],
    }
    return state.model_copy(update=bare)
