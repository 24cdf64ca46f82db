"""Sealing: a seal belongs to its place, so that equal values of two customers look different."""

from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from services.notify.domain.record import Notices
from shared.documents import Draft
from shared.events import ContactRecorded
from shared.sealing import at_rest

ONE, OTHER = uuid4(), uuid4()
ANN = ContactRecorded(name="Ann", email="ann@example.com")


class Line(BaseModel):
    """Something kept in a list."""

    address: Annotated[str, *at_rest("address")]


class Kept(BaseModel):
    """A state."""

    name: Annotated[str, *at_rest("name")] = ""
    comment: Annotated[str, *at_rest("comment")] = ""
    lines: list[Line] = []


class Named(BaseModel):
    """Texts by names that people chose."""

    texts: Annotated[dict[str, str], *at_rest("texts")] = {}


def stored(state: BaseModel, document: UUID) -> dict[str, Any]:
    return state.model_dump(mode="json", context=document)


def test_equal_values_look_alike_in_no_two_documents_and_in_no_two_fields() -> None:
    kept = Kept(name="Ann", comment="Ann", lines=[Line(address="Ann")])
    one, other = stored(kept, ONE), stored(kept, OTHER)
    seen = [each["sealed"] for told in (one, other) for each in (told["name"], told["comment"])]
    seen += [told["lines"][0]["address"]["sealed"] for told in (one, other)]
    assert len(set(seen)) == 6
    assert Kept.model_validate(one, context=ONE) == kept
    assert stored(Kept.model_validate(one, context=ONE), ONE) == one


def test_what_was_moved_cannot_be_read() -> None:
    told = stored(Kept(name="Ann", comment="angry"), ONE)
    with pytest.raises(ValidationError, match="cannot be unsealed"):
        Kept.model_validate(told, context=OTHER)
    with pytest.raises(ValidationError, match="cannot be unsealed"):
        Kept.model_validate(told | {"name": told["comment"]}, context=ONE)


def test_without_its_document_nothing_is_sealed_or_read() -> None:
    with pytest.raises(PydanticSerializationError, match="document"):
        Kept(name="Ann").model_dump(mode="json")
    with pytest.raises(ValidationError, match="valid string"):
        Kept.model_validate(stored(Kept(name="Ann"), ONE))


def test_a_name_of_somebody_else_is_no_seal() -> None:
    named = Named(texts={"sealed": "a heron"})
    told = stored(named, ONE)
    assert "heron" not in str(told)
    assert Named.model_validate(told, context=ONE) == named


def test_a_save_writes_no_sealed_field_that_has_not_changed() -> None:
    before = Notices(contact=ANN, replies={1: "We mend it"})
    draft: Draft[Notices] = Draft(ONE, 1, stored=stored(before, ONE), state=before)
    assert draft.state is not None
    draft.state = draft.state.model_copy(update={"replies": {1: "We mend it", 2: "Done"}})
    written = draft.update({}, [], OTHER)["$set"]
    assert [name for name in written if name.startswith("state.")] == ["state.replies"]
