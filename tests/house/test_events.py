"""What every event promises: nothing personal in public, frozen, documented, open to new fields, small."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from string import Formatter
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from deploy.schemas import FOLDER, schemas
from services.intake.domain.timeline import WORDS
from services.intake.listeners import inbox
from shared.envelope import Cause, batch, from_cloudevent, open_batch, to_cloudevent, write
from shared.events import CATALOGUE, LONGEST_KEY, Fact, Product, called

PERSONAL = {
    "address", "body", "caller", "comment", "complainant", "contact", "customer", "description", "email",
    "link", "message", "mobile", "note", "order", "person", "phone", "remark", "statement", "text", "words",
}  # fmt: skip
"""Field names that may hold what a person is or said; `name` too, save a product's."""
HARMLESS = {"customer_deadline"}
"""An instant, and no word of the customer's."""

LIMIT = 64 * 1024
AMOUNT, WORST = "99999999999999.9999", "\x01"  # which takes six bytes in JSON
UNBOUNDED = 100
"""Characters assumed for a text, and WIDE the members of a list, that the event itself does not bound."""
WIDE = 20

PUBLIC = [type for type, kind in CATALOGUE.items() if not kind.private]
UNTOLD = {"notice.queued.v1", "webhook.failed.v1", "webhook.disabled.v1"}
"""That somebody is going to be told, and what became of deliveries to other systems."""
JOURNALLED = [type for type, kind in CATALOGUE.items() if kind.owner == "intake" or type in inbox.types]

Schema = Mapping[str, Any]


def fields(kind: type[Fact], *, by_alias: bool) -> Iterator[tuple[str, str]]:
    """(class, field) of an event and of every value inside it, at any depth."""
    schema = kind.model_json_schema(by_alias=by_alias)
    for part in [schema, *schema.get("$defs", {}).values()]:
        yield from ((part["title"], name) for name in part.get("properties", {}))


def largest(schema: Schema, values: Schema) -> Any:
    """The largest JSON value that this schema takes, every object with a field nobody has heard of."""
    match schema:
        case {"$ref": str(name)}:
            return largest(values[name.rpartition("/")[2]], values)
        case {"anyOf": [{"type": "number"}, {"type": "string"}]}:
            return AMOUNT
        case {"anyOf": options}:
            return max((largest(option, values) for option in options), key=lambda value: len(str(value)))
        case {"enum": options}:
            return max(options, key=len)
        case {"type": "object", "properties": properties}:
            return {name: largest(each, values) for name, each in properties.items()} | {"unheard_of": 1}
        case {"type": "object", "additionalProperties": dict(each)}:
            return {
                f"{number:100}": largest(each, values) for number in range(schema.get("maxProperties", WIDE))
            }
        case {"type": "object"}:
            return {}
        case {"type": "array", "items": items}:
            return [largest(items, values)] * schema.get("maxItems", WIDE)
        case {"type": "string", "format": "date-time"}:
            return "2026-11-22T08:00:00.123456+08:00"
        case {"type": "string", "format": "uuid"}:
            return str(UUID(int=2**128 - 1))
        case {"type": "string", "pattern": "^[A-Z]{3}$"}:
            return "CNY"
        case {"type": "string", "pattern": str(pattern)} if "x00" in pattern:
            return "质" * schema["maxLength"]
        case {"type": "string", "pattern": _}:
            return AMOUNT
        case {"type": "string"}:
            return WORST * schema.get("maxLength", UNBOUNDED)
        case {"type": "number"}:
            return schema.get("maximum", 2**31 - 1)
        case {"type": "integer"}:
            return schema.get("maximum", 2**31 - 1)
    return schema["type"] == "boolean" or None


def named(value: Any) -> Any:
    """The longest names that packs give, which are shorter than an event's schema tells."""
    return [named(each) for each in value] if isinstance(value, list) else "质" * LONGEST_KEY


def whole(kind: type[Fact]) -> Any:
    schema = kind.model_json_schema(by_alias=True)
    found = largest(schema, schema.get("$defs", {}))
    return found | {name: named(found[name]) for name, field in kind.model_fields.items() if is_called(field)}


def is_called(field: FieldInfo) -> bool:
    return called.__name__ in repr((field.annotation, field.metadata))


def unheard_of(value: Any) -> bool:
    """Whether the unknown field is still in there, at any depth."""
    if isinstance(value, dict):
        return "unheard_of" in value or any(unheard_of(each) for each in value.values())
    return isinstance(value, list) and any(unheard_of(each) for each in value)


def published(fact: Fact) -> bytes:
    """An event as it leaves, with the longest identifiers it can have."""
    cause = Cause(
        id=UUID(int=2**128 - 1),
        complaint=UUID(int=2**128 - 1),
        subject="RC-" + "Z" * 10,
        time=datetime(2026, 11, 22, tzinfo=UTC),
        by="intake",
        data=None,
        traceparent=f"00-{'f' * 32}-{'f' * 16}-01",
    )
    event = write(fact, service=fact.owner, position=0, sequence=10**10 - 1, now=cause.time, cause=cause)
    return batch([to_cloudevent(event, cause.id)])


@pytest.mark.parametrize("type", PUBLIC)
@pytest.mark.parametrize("by_alias", [True, False])
def test_a_public_event_has_no_field_for_personal_data(type: str, by_alias: bool) -> None:
    found = set(fields(CATALOGUE[type], by_alias=by_alias))
    named = [(kind, field) for kind, field in found if field not in HARMLESS]
    words = {(kind, word) for kind, field in named for word in field.strip("_").split("_")}
    assert {(kind, word) for kind, word in words if word in PERSONAL} == set()
    assert {kind for kind, word in words if word == "name"} <= {Product.__name__}


@pytest.mark.parametrize("type", CATALOGUE)
def test_an_event_cannot_be_changed(type: str) -> None:
    fact = CATALOGUE[type].model_validate(whole(CATALOGUE[type]))
    field = next(iter(CATALOGUE[type].model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(fact, field, getattr(fact, field))


@pytest.mark.parametrize("type", CATALOGUE)
def test_an_event_says_what_has_happened(type: str) -> None:
    said = vars(CATALOGUE[type])["__doc__"] or ""
    assert said.endswith(".")
    assert CATALOGUE[type].private == said.endswith("Private."), "a private event says so"


@pytest.mark.parametrize("type", CATALOGUE)
def test_a_field_that_a_reader_does_not_know_is_ignored_at_any_depth(type: str) -> None:
    given = whole(CATALOGUE[type])
    assert unheard_of(given)
    assert not unheard_of(CATALOGUE[type].model_validate(given).model_dump(mode="json", by_alias=True))


@pytest.mark.parametrize("type", CATALOGUE)
def test_an_event_stays_below_its_limit_at_its_largest_and_is_read_again(type: str) -> None:
    fact = CATALOGUE[type].model_validate(whole(CATALOGUE[type]))
    body = published(fact)
    assert len(body) < LIMIT
    assert from_cloudevent(open_batch(body)[0]).data == fact


def test_the_timeline_shows_every_public_event_but_those_that_say_nothing_of_the_complaint() -> None:
    assert set(PUBLIC) - set(JOURNALLED) == UNTOLD


@pytest.mark.parametrize("type", JOURNALLED)
def test_an_event_has_words_made_of_its_own_fields(type: str) -> None:
    kind = CATALOGUE[type]
    known = set() if kind.private else {each.alias or name for name, each in kind.model_fields.items()}
    for language in WORDS[type.rpartition(".")[0]]:
        assert language.strip()
        assert {name for _, name, *_ in Formatter().parse(language) if name is not None} <= known


def test_there_are_no_words_for_an_event_that_does_not_exist() -> None:
    assert set(WORDS) <= {type.rpartition(".")[0] for type in CATALOGUE}


def test_the_schemas_are_those_of_the_events() -> None:
    """`python -m deploy.schemas` writes them anew."""
    kept = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert kept == schemas()
