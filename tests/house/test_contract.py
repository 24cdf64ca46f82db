"""The contract with subscribing teams: what is published is what was promised, valid, real and readable."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.protocols import Validator

from deploy import examples as playing
from deploy.local.scenes import PERSONAL
from deploy.schemas import EVENTS, asyncapi
from shared import bus, contract, inbox
from shared.contract.asyncapi import LARGEST_BATCH
from shared.contract.attributes import ALWAYS, ATTRIBUTES, envelope_schema, event_schema
from shared.contract.meanings import FIELDS, OWN
from shared.contract.releases import FILE
from shared.contract.schemas import OPEN, known_values
from shared.envelope import Cause, from_cloudevent, open_batch, to_cloudevent
from shared.events import CATALOGUE, FOR_PARTNERS
from tests.house.test_events import whole
from tests.kit.asyncapi import official_schema

PUBLIC = [type for type, kind in CATALOGUE.items() if not kind.private]
PRIVATE = [type for type, kind in CATALOGUE.items() if kind.private]
WEBHOOKS = Path(__file__).parents[2] / "docs" / "webhooks.md"
EVENTS_PAGE = Path(__file__).parents[2] / "docs" / "events.md"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return contract.asyncapi()


def of_data(type: str) -> Validator:
    return Draft202012Validator(
        dict(contract.schemas()[type]), format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def of_payload(document: dict[str, Any], type: str) -> Validator:
    """By the document alone, as draft 7, which AsyncAPI's own schemas are."""
    payload = document["components"]["messages"][type]["payload"]
    return Draft7Validator(payload | {"components": document["components"]})


def as_sent(type: str) -> Any:
    """The largest event of a type, as the broker carries it."""
    fact = CATALOGUE[type].model_validate(whole(CATALOGUE[type]))
    example = from_cloudevent(contract.examples()[type])
    event: Cause[Any] = Cause(
        example.id, example.complaint, example.subject, example.time, fact.owner, fact, 7, None, type
    )
    return json.loads(to_cloudevent(event, example.id))


def test_the_document_is_the_one_that_is_kept() -> None:
    """`python -m deploy.schemas` writes it anew."""
    assert EVENTS.read_text(encoding="utf-8") == asyncapi()


def test_the_document_is_asyncapi(document: dict[str, Any]) -> None:
    checked = Draft7Validator(official_schema("3.0.0"))
    assert [
        f"{list(each.absolute_path)}: {each.message[:200]}" for each in checked.iter_errors(document)
    ] == []
    broken = document | {"operations": {"receive": {"action": "listen"}}}
    assert list(checked.iter_errors(broken)), "the official schema does not take just anything"


def test_the_document_names_every_public_event_and_no_private_one(document: dict[str, Any]) -> None:
    assert [*document["channels"]] == PUBLIC
    assert len(document["operations"]) == len(PUBLIC)
    text = json.dumps(document)
    assert [type for type in PRIVATE if type in text] == []
    assert "redress.private" not in text
    for type, channel in document["channels"].items():
        exchange = channel["bindings"]["amqp"]["exchange"]
        assert (channel["address"], exchange["name"]) == (type, bus.EVENTS)
    assert LARGEST_BATCH == inbox.LARGEST_BATCH


def test_every_reference_of_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [each for value in part.values() for each in references(value)]
        return [each for value in part for each in references(value)] if isinstance(part, list) else []

    for reference in references({key: each for key, each in document.items() if key != "examples"}):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_partners_are_told_alike_everywhere(document: dict[str, Any]) -> None:
    messages = document["components"]["messages"]
    assert {type for type, each in messages.items() if each["x-for-partners"]} == FOR_PARTNERS
    told = WEBHOOKS.read_text(encoding="utf-8")
    assert "(events.md)" in told
    for type in FOR_PARTNERS:
        assert f"`{type.split('.')[1]}`" in told or f"`{type.rpartition('.')[0]}`" in told, type


@pytest.mark.parametrize("type", PUBLIC)
def test_an_event_has_a_real_example_that_is_as_promised(type: str, document: dict[str, Any]) -> None:
    example = contract.examples()[type]
    assert from_cloudevent(example).type == type
    of_data(type).validate(example["data"])
    of_payload(document, type).validate([example])
    assert json.loads(to_cloudevent(from_cloudevent(example), example["causationid"])) == example


@pytest.mark.parametrize("type", PUBLIC)
def test_the_schemas_take_the_largest_event_and_refuse_others(type: str, document: dict[str, Any]) -> None:
    event = as_sent(type)
    of_data(type).validate(event["data"])
    payload = of_payload(document, type)
    payload.validate([event])
    for wrong in (
        [], event, [event | {"type": "complaint.sold.v1"}], [event | {"source": "/redress/nobody"}],
        [event | {"data": None}], [event | {"sequence": 7}],
    ):  # fmt: skip
        assert not payload.is_valid(wrong), wrong


def test_no_example_holds_anything_of_a_customer() -> None:
    text = json.dumps([*contract.examples().values()], ensure_ascii=False)
    kept = FILE.read_text(encoding="utf-8")
    assert [each for each in PERSONAL if each in text or each in kept] == []
    assert '"product"' in text, "the same search finds what is there"


def test_the_scenes_leave_no_public_type_out() -> None:
    assert set(PUBLIC) == playing.PUBLIC == contract.examples().keys()


@pytest.mark.parametrize("type", PUBLIC)
def test_no_field_is_without_a_meaning(type: str) -> None:
    [listed] = [each for each in contract.listing() if each.type == type]
    assert listed.meaning.endswith(".")
    for field in listed.fields:
        assert all(field.meaning.values()), field.name
        assert all(field.form.values()), field.name


def test_no_meaning_is_left_of_a_field_that_is_not_there() -> None:
    parts = [(type, schema) for type, schema in contract.schemas().items()]
    owned = {
        (owner, name)
        for type, schema in parts
        for owner, part in [(type, schema), *schema.get("$defs", {}).items()]
        for name in part.get("properties", {})
    }
    assert OWN.keys() <= owned
    assert FIELDS.keys() <= {name for _, name in owned} | {"data"}


def test_open_lists_take_what_nobody_knows_yet_and_closed_ones_do_not() -> None:
    registered, paused = (
        contract.examples()["complaint.registered.v1"],
        contract.examples()["complaint.paused.v1"],
    )
    assert of_data("complaint.registered.v1").is_valid(registered["data"] | {"channel": "hologram"})
    assert not of_data("complaint.paused.v1").is_valid(paused["data"] | {"waits_for": "nobody"})
    found = [known_values(each) for each in walked([*contract.schemas().values()])]
    assert all(values in found for values in OPEN)


def walked(part: Any) -> list[dict[str, Any]]:
    inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return ([part] if isinstance(part, dict) else []) + [each for one in inside for each in walked(one)]


def test_nothing_is_ever_null() -> None:
    nulls = [each for each in walked([*contract.schemas().values()]) if each.get("type") == "null"]
    assert nulls == []


def test_the_envelope_is_described_as_it_is_sent() -> None:
    event = contract.examples()["complaint.graded.v1"]
    assert {*ALWAYS, "data"} <= event.keys() <= {*ATTRIBUTES, "data"}
    Draft202012Validator(envelope_schema()).validate(event)
    Draft202012Validator(event_schema(event["type"], {})).validate(event)
    read = from_cloudevent(event)
    sent = open_batch(b"[" + to_cloudevent(read, read.id) + b"]")[0]
    assert sent.keys() == event.keys()
    for attribute in ATTRIBUTES:
        assert f"`{attribute}`" in EVENTS_PAGE.read_text(encoding="utf-8"), attribute
