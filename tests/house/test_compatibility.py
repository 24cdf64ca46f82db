"""What would break subscribers is found, in words with the mend, and what would not is let through."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from deploy import contract as command
from shared import contract
from shared.contract.releases import FILE, Entry, Release
from shared.envelope import from_cloudevent
from shared.events import CATALOGUE

Schema = dict[str, Any]
LAST = contract.released()

# what stands


def test_nothing_breaks_what_was_released() -> None:
    """If this fails, mend the event as each line says; `python -m deploy.contract` tells the same."""
    assert [str(each) for each in contract.breaking(LAST, contract.current(LAST))] == []


def test_what_was_released_was_written_by_the_command_alone() -> None:
    assert FILE.read_text(encoding="utf-8") == contract.written(LAST)
    by_hand = LAST.model_copy(update={"version": "9.9"})
    assert json.loads(contract.written(by_hand))["digest"] not in FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize("type", sorted(LAST.events))
def test_every_event_that_was_ever_released_is_still_read(type: str) -> None:
    entry = LAST.events[type]
    assert entry.private or entry.examples
    for example in entry.examples:
        assert from_cloudevent(example).type == type


# what is refused


def changed(type: str, change: Callable[[Entry], Any]) -> list[str]:
    """What is said when one event is changed from how it was released."""
    events = dict(LAST.events)
    entry = events[type].model_copy(deep=True)
    events[type] = change(entry) or entry
    now = LAST.model_copy(update={"events": events})
    return [str(each) for each in contract.breaking(LAST, now)]


def form(edit: Callable[[Schema], Any]) -> Callable[[Entry], None]:
    def change(entry: Entry) -> None:
        edit(entry.form)

    return change


def field(name: str, **update: Any) -> Callable[[Entry], None]:
    return form(lambda schema: schema["properties"][name].update(update))


WAITS = "waits_for"
CASES: dict[str, tuple[str, Callable[[Entry], Any], str]] = {
    "field gone": ("complaint.closed.v1", form(lambda s: s["properties"].pop("score")), "the field is gone"),
    "may be absent": ("complaint.closed.v1", form(lambda s: s["required"].clear()), "may be absent now"),
    "must be there": ("complaint.closed.v1", form(lambda s: s["required"].append("score")), "must be there"),
    "new and must": (
        "complaint.owned.v1",
        form(lambda s: (s["properties"].update(by={"type": "string"}), s["required"].append("by"))),
        "give the field a default",
    ),
    "other type": (
        "complaint.closed.v1",
        field("score", type="number"),
        "type was 'integer' and is 'number'",
    ),
    "other format": ("deadline.met.v1", field("due", format="date"), "format was 'date-time'"),
    "wider": ("survey.answered.v1", field("score", maximum=100), "subscribers are not prepared"),
    "narrower": ("survey.answered.v1", field("score", maximum=5), "could not be read any more"),
    "lower": ("survey.answered.v1", field("score", minimum=-1), "subscribers are not prepared"),
    "higher": ("survey.answered.v1", field("score", minimum=1), "could not be read any more"),
    "unbound": (
        "survey.answered.v1",
        form(lambda s: s["properties"]["score"].pop("maximum")),
        "maximum was 10 and is absent; subscribers",
    ),
    "new value": (
        "complaint.paused.v1",
        form(lambda s: s["properties"][WAITS]["enum"].append("nobody")),
        "'nobody' is a new value of a closed list",
    ),
    "value gone": (
        "complaint.paused.v1",
        form(lambda s: s["properties"][WAITS]["enum"].remove("customer")),
        "'customer' is no value any more",
    ),
    "open value gone": (
        "complaint.closed.v1",
        form(lambda s: s["properties"]["outcome"]["anyOf"][0]["enum"].remove("merged")),
        "'merged' is no value any more",
    ),
    "list opened": (
        "complaint.paused.v1",
        form(lambda s: s["properties"][WAITS].pop("enum")),
        "a list of values became free",
    ),
    "other default": ("complaint.closed.v1", field("outcome", default="merged"), "would mean something else"),
    "deep inside": (
        "complaint.graded.v1",
        form(lambda s: s["properties"]["matches"]["items"]["properties"].pop("clause")),
        "complaint.graded.v1.matches[].clause: the field is gone",
    ),
    "in a map": (
        "complaint.graded.v1",
        form(lambda s: s["properties"]["grades"]["additionalProperties"].update(maxLength=9)),
        "complaint.graded.v1.grades{}: maxLength was 60 and is 9",
    ),
    "unknown keyword": ("complaint.closed.v1", field("score", multipleOf=5), "multipleOf was absent"),
    "other owner": ("complaint.closed.v1", lambda e: e.model_copy(update={"owner": "sla"}), "now sla does"),
    "hidden": ("complaint.closed.v1", lambda e: e.model_copy(update={"private": True}), "is private"),
    "told to all": (
        "contact.recorded.v1",
        lambda e: e.model_copy(update={"private": False}),
        "and is public",
    ),
    "partners left out": (
        "complaint.closed.v1",
        lambda e: e.model_copy(update={"partners": False}),
        "partners do not get it",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_broken_promise_is_told_with_its_mend(name: str) -> None:
    type, change, words = CASES[name]
    said = changed(type, change)
    assert any(words in each for each in said), said
    assert all(each.startswith(type) and "Mend: " in each for each in said)


def test_an_event_goes_only_after_its_next_version_stood_beside_it() -> None:
    type = "complaint.owned.v1"
    without = LAST.model_copy(update={"events": {k: v for k, v in LAST.events.items() if k != type}})
    [said] = contract.breaking(LAST, without)
    assert "the event is gone" in str(said)
    unreleased = {**without.events, "complaint.owned.v2": LAST.events[type]}
    assert contract.breaking(LAST, LAST.model_copy(update={"events": unreleased})), "not released beside it"
    both = LAST.model_copy(update={"events": {**LAST.events, "complaint.owned.v2": LAST.events[type]}})
    assert contract.breaking(LAST, both) == []
    assert contract.breaking(both, LAST.model_copy(update={"events": unreleased})) == []


def test_the_envelope_is_promised_too() -> None:
    envelope = copy.deepcopy(LAST.envelope)
    envelope["required"].remove("sequence")
    [said] = contract.breaking(LAST, LAST.model_copy(update={"envelope": envelope}))
    assert str(said).startswith("envelope.sequence: the field may be absent now")


# what is let through, and how it is released


def added(release: Release, type: str) -> Release:
    """The same with a field more that may be absent."""
    entry = release.events[type].model_copy(deep=True)
    entry.form["properties"]["mood"] = {"type": "string"}
    return release.model_copy(update={"events": release.events | {type: entry}})


@pytest.mark.parametrize(
    "change",
    [
        form(lambda s: s["properties"].update(mood={"type": "string", "default": "calm"})),
        form(lambda s: s["properties"]["outcome"]["anyOf"][0]["enum"].append("settled")),
        lambda e: e.model_copy(update={"partners": True}),
        lambda e: e.model_copy(update={"since": "0.1", "examples": []}),
    ],
)
def test_what_is_added_breaks_nobody(change: Callable[[Entry], Any]) -> None:
    assert changed("complaint.closed.v1", change) == []


def test_an_addition_raises_the_version_and_keeps_the_dates_and_the_older_example() -> None:
    type = "complaint.closed.v1"
    older = LAST.model_copy(update={"version": "0.7"})
    entry = older.events[type].model_copy(deep=True)
    entry.form["properties"].pop("score")
    entry.examples[0]["data"].pop("score", None)
    gone = "complaint.owned.v1"
    before = older.model_copy(
        update={"events": {k: v for k, v in older.events.items() if k != gone} | {type: entry}}
    )
    now = contract.current(before)
    assert contract.breaking(before, now) == []
    assert now.version == "0.8"
    assert (now.events[gone].since, now.events[type].since) == ("0.8", LAST.events[type].since)
    assert now.events[type].added == LAST.events[type].added | {"score": "0.8"}
    assert now.events[type].examples == [*entry.examples, contract.examples()[type]]
    assert contract.current(now) == now, "released twice is released once"


def test_the_command_refuses_to_release_what_breaks(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    more = added(LAST, "complaint.closed.v1")
    monkeypatch.setattr(command, "released", lambda: more)
    monkeypatch.setattr(command, "FILE", tmp_path / "released.json")
    (tmp_path / "released.json").write_text("as it was")
    monkeypatch.setattr(sys, "argv", ["contract", "release"])
    with pytest.raises(SystemExit, match=r"mood: the field is gone.*\n.*nothing was released"):
        command.main()
    assert (tmp_path / "released.json").read_text() == "as it was"
    monkeypatch.setattr(sys, "argv", ["contract"])
    with pytest.raises(SystemExit, match="mood"):
        command.main()
    monkeypatch.setattr(command, "released", lambda: LAST)
    monkeypatch.setattr(sys, "argv", ["contract", "release"])
    command.main()
    assert (tmp_path / "released.json").read_text() == contract.written(contract.current(LAST))


def test_the_command_says_that_all_is_well() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.contract"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"nothing breaks contract {LAST.version}")


def test_every_event_is_in_the_release_or_is_new() -> None:
    assert LAST.events.keys() <= CATALOGUE.keys()
