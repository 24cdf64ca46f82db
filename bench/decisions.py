"""What the chain decides, by hand: each service's answer to an event, without any framework or validation.

`bench.floor` carries it out one message at a time, `bench.ceiling` in batches.
"""

from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import uuid_utils

from shared import clock

Json = dict[str, Any]
Facts = list[tuple[str, Json]]
Decision = Callable[[Json, str, Json], Facts]
"""Changes the state in place by an event's type and data; returns the events to publish."""
MAILS_PER_HOUR = 10
"""To one department."""


def intake(state: Json, type: str, data: Json) -> Facts:
    if type == "complaint.graded.v1":
        state |= {"graded": data, "stage": "graded"}
    elif type == "complaint.dispatched.v1":
        state |= {"dispatched": data, "stage": "dispatched"}
    return []


def triage(state: Json, type: str, data: Json) -> Facts:
    state["registered" if type == "complaint.registered.v1" else "statement"] = data
    if len(state) < 2:
        return []
    match = {"rule": "noticeable sum", "fact": "loss", "value": "310", "comparison": "at least 200"}
    graded = {"cycle": 1, "class": "service", "suggested": False, "grade": "ordinary", "matches": [match]}
    dispatched = {"cycle": 1, "lead": "service_desk", "departments": ["service_desk", "sales"]}
    state |= {"graded": graded, "dispatched": dispatched}
    return [("complaint.graded.v1", graded), ("complaint.dispatched.v1", dispatched)]


def sla(state: Json, type: str, data: Json) -> Facts:
    facts: Facts = []
    if type == "complaint.registered.v1":
        state |= {"registered": data, "clocks": []}
    elif type == "complaint.graded.v1":
        facts = [started(state, "acknowledge"), started(state, "resolve")]
    elif type == "complaint.dispatched.v1":
        facts = [started(state, "accept"), started(state, "propose")]
    elif data["kind"] == "acknowledgement":
        state["acknowledged"] = now()
    if state["clocks"] and "acknowledged" in state and "met" not in state:
        state["met"] = True
        facts.append(("deadline.met.v1", state["clocks"][0] | {"stopped": state["acknowledged"]}))
    return facts


def started(state: Json, name: str) -> tuple[str, Json]:
    clock = {"cycle": 1, "clock": name, "due": now(), "started": now()}
    state["clocks"].append(clock)
    return "deadline.set.v1", clock


def notify(state: Json, type: str, data: Json) -> Facts:
    """Notes only; what is told follows from `untold`."""
    state[type.split(".")[1]] = data
    return []


def survey(state: Json, type: str, data: Json) -> Facts:
    state["registered"] = data
    return []


DECISIONS: dict[str, Decision] = {
    "intake": intake,
    "triage": triage,
    "sla": sla,
    "notify": notify,
    "survey": survey,
}


def now() -> str:
    return clock.machine_now().isoformat()


def fresh(id: UUID) -> Json:
    return {"_id": id, "version": 0, "state": {}, "handled": []}


def registered(body: Json) -> tuple[Json, Facts]:
    """A complaint as it is handed in: intake's document, and the facts that it begins with."""
    document = fresh(UUID(bytes=uuid_utils.uuid7().bytes))
    document["state"] = {"given": body, "stage": "registered", "registered_at": now()}
    pinned = {"pack": "base", "pack_version": 1}
    public = {key: body[key] for key in ("channel", "language", "class", "product", "demand", "loss")}
    facts = [
        ("complaint.registered.v1", pinned | public),
        ("contact.recorded.v1", body["complainant"]),
        ("statement.recorded.v1", pinned | {"text": body["description"]}),
    ]
    return document, facts


def event(service: str, document: Json, cause: Json | None, fact: tuple[str, Json]) -> Json:
    """A fact as the CloudEvent that goes over the wire."""
    type, data = fact
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"/redress/{service}",
        "type": type,
        "subject": "RC-2345678923",
        "time": now(),
        "datacontenttype": "application/json",
        "dataschema": f"/schemas/{type}.json",
        "correlationid": str(document["_id"]),
        "causationid": cause["id"] if cause else str(document["_id"]),
        "sequence": f"{document['version']:010d}",
        "data": data,
    }


def untold(state: Json, type: str) -> list[Json]:
    """The notices that this event allows: the acknowledgement, or the departments' assignments."""
    if type == "complaint.dispatched.v1":
        departments = state["dispatched"]["departments"]
        addresses = [("assignment", f"{each}@departments.invalid") for each in departments]
    else:
        both = "registered" in state and "recorded" in state
        addresses = [("acknowledgement", state["recorded"]["email"])] if both else []
    return [{"notice": str(uuid4()), "kind": kind, "to": to} for kind, to in addresses]


def is_mailed(told: Counter[str], notice: Json) -> bool:
    """Whether this one goes to its address; what is too much is noted for a digest, as the product does."""
    told[notice["to"]] += 1
    return told[notice["to"]] <= MAILS_PER_HOUR


def mail(notice: Json, state: Json) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = "complaints@redress.invalid", notice["to"]
    made["Subject"] = f"Your complaint RC-2345678923: {notice['kind']}"
    made["Message-ID"] = f"<{notice['notice']}@redress.invalid>"
    made.set_content(
        f"Dear {state['recorded']['name']},\n\nthis is about RC-2345678923.\n\nThe service desk\n" * 3
    )
    return made
