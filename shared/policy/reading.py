"""Reading packs: parameters put in, form and soundness checked; faults name file, line, rule and mend."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared.policy.drafts import Draft, Place
from shared.policy.mending import mend
from shared.policy.pack import Pack
from shared.policy.soundness import unsound
from shared.problems import Fault, Invalid

M = TypeVar("M", bound=BaseModel)


def build(draft: Draft, name: str, bind: Mapping[str, Any] | None = None) -> Pack:
    """The pack. `bind` gives parameters other values. Raises Invalid with a fault for everything wrong."""
    raw = {key: value for key, value in draft.content.items() if key not in ("extends", "abstract")}
    values, faults = parameters(draft, bind or {})
    unknown: list[Place] = []
    written = {section: raw[section] for section in ("parameters", "vectors") if section in raw}
    content = _bind({key: raw[key] for key in raw if key not in written}, values, (), unknown) | written
    faults += [
        draft.fault(place, "there is no such parameter; define it in `parameters`") for place in unknown
    ]
    pack = fit(Pack, content, draft, name, faults)
    if faults := [draft.fault(place, wrong) for place, wrong in unsound(pack)]:
        raise Invalid(f"{name} contradicts itself", faults)
    return pack


def parameters(draft: Draft, bind: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Every parameter's value, and what is wrong with them."""
    given = _parameters(draft)
    known = {name: each if isinstance(each, dict) else {"value": each} for name, each in given.items()}
    values = {name: bind.get(name, each.get("value")) for name, each in known.items()}
    faults = [
        draft.fault(["parameters", name], f"the parameter {name} is not bound; give it a value")
        for name, value in values.items()
        if value is None
    ]
    for name, value in values.items():
        options = known[name].get("options")
        if value is not None and isinstance(options, list) and value not in options:
            faults.append(draft.fault(["parameters", name], f"use one of {', '.join(map(str, options))}"))
    unknown = set(bind) - set(known)
    faults += [draft.fault(["parameters"], f"there is no parameter {each}") for each in sorted(unknown)]
    return values, faults


def _parameters(draft: Draft) -> dict[str, Any]:
    given = draft.content.get("parameters")
    return given if isinstance(given, dict) else {}


def trials(draft: Draft) -> dict[str, Any]:
    """For every unbound parameter the value that vectors run with."""
    given = _parameters(draft)
    return {
        name: each["trial"]
        for name, each in given.items()
        if isinstance(each, dict) and each.get("value") is None and each.get("trial") is not None
    }


def _bind(value: Any, values: Mapping[str, Any], place: Place, unknown: list[Place]) -> Any:
    """A value with every `$name` replaced; the places of names that no parameter has go to `unknown`."""
    match value:
        case dict():
            return {key: _bind(each, values, (*place, str(key)), unknown) for key, each in value.items()}
        case list():
            return [_bind(each, values, (*place, str(n)), unknown) for n, each in enumerate(value)]
        case str() if value.startswith("$"):
            if value[1:] not in values:
                unknown.append(place)
            return values.get(value[1:])
    return value


def fit(kind: type[M], content: Any, draft: Draft, name: str, faults: Sequence[Fault] = ()) -> M:
    """Content as a model. Raises Invalid; faults already known (unbound parameters) are told alone."""
    if faults:
        raise Invalid(f"{name} cannot be used yet", list(faults))
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False)
        told = {_place(each["loc"]): mend(each, kind) for each in found}
        faults = [draft.fault(place, wrong) for place, wrong in told.items()]
        raise Invalid(f"{name} breaks its form", faults) from None


def _place(location: Sequence[str | int]) -> Place:
    """Where pydantic found it, without the names of types that it tried."""
    return tuple(
        str(part)
        for part in location
        if not (isinstance(part, str) and (part[:1].isupper() or "[" in part or part in TRIED))
    )


TRIED = {"bool", "int", "decimal", "str", "float", "none"}
"""What pydantic calls the plain types among which it chose."""
