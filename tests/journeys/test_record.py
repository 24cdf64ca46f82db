"""The record over HTTP: conventions, conflicts, and who may what, on the running system."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.local.stage import Stage
from shared import clock
from tests.kit.desk import BODY, Desk, desks

# conflicts


async def test_of_a_hundred_conflicting_changes_exactly_the_legal_ones_happen(played: Stage) -> None:
    async with desks(played) as (staff, _, _):
        id = await staff.made()
        await staff.until(id, "dispatched")
        wishes: list[dict[str, Any]] = [
            {"step": "accept"}, {"step": "disown", "reason": "sold elsewhere"}, {"step": "withdraw"},
            {"step": "investigate", "cause": "material"}, {"step": "answer", "text": "No."},
        ] * 20  # fmt: skip
        answers = await asyncio.gather(*(staff.post(f"complaints/{id}/steps", wish) for wish in wishes))
        assert {answer.status_code for answer in answers} <= {200, 403, 409}
        done = [wish["step"] for wish, answer in zip(wishes, answers, strict=True) if answer.is_success]
        found = (await staff.get(f"complaints/{id}")).json()["complaint"]
        acted = [each["what"] for each in found["actions"] if each["what"] != "register"]
        assert Counter(acted) == Counter(done)
        assert acted[-1] == "withdraw"
        assert max(Counter(done).values()) == 1
        assert done.count("answer") == 0
        assert found["stage"] == "closed"


async def test_a_thousand_creates_with_a_hundred_keys_are_a_hundred_complaints(played: Stage) -> None:
    async with desks(played) as (staff, _, _):
        one = str(uuid4())
        keys = [f"{one}-{number}" for number in range(100)] * 10

        async def create(key: str) -> str:
            body = BODY | {"description": f"Said under {key}."}
            answer = await staff.post("complaints", body, Idempotency_Key=key)
            assert answer.status_code == 201, answer.text
            id: str = answer.json()["id"]
            return id

        ids = await asyncio.gather(*(create(key) for key in keys))
        assert len(set(ids)) == 100
        assert ids[:100] * 10 == ids


# conventions


async def test_a_key_is_for_one_payload_and_well_formed(played: Stage) -> None:
    async with desks(played) as (staff, _, partner):
        key = str(uuid4())
        first = await staff.post("complaints", BODY, Idempotency_Key=key)
        again = await staff.post("complaints", BODY, Idempotency_Key=key)
        assert first.json()["id"] == again.json()["id"]
        other = await staff.post("complaints", BODY | {"language": "zh-CN"}, Idempotency_Key=key)
        assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "#/Idempotency-Key")
        assert (await staff.post("complaints", BODY, Idempotency_Key="two words")).status_code == 400
        mine = await partner.post("complaints", BODY, Idempotency_Key=key)
        assert mine.json()["id"] != first.json()["id"]


async def test_a_change_names_the_version_it_was_made_on(played: Stage) -> None:
    async with desks(played) as (staff, approver, _):
        id = await staff.at_proposed(cost={"value": "60000", "currency": "CNY"})
        stale = await staff.post(f"complaints/{id}/notes", {"text": "n"}, If_Match='"1"')
        assert stale.status_code == 412
        assert (await staff.post(f"complaints/{id}/notes", {"text": "n"}, If_Match="1")).status_code == 400
        bare = await approver.post(f"complaints/{id}/steps", {"step": "approve"})
        assert bare.status_code == 428
        assert bare.json()["errors"][0]["pointer"] == "#/If-Match"
        kept = await staff.on_seen(id, "notes", {"text": "n"})
        assert kept.status_code == 201
        assert kept.headers["ETag"] != kept.request.headers["If-Match"]


async def test_what_is_only_checked_changes_nothing(played: Stage) -> None:
    async with desks(played) as (staff, _, _):
        answer = await staff.post("complaints?validate_only=true", BODY)
        assert (answer.status_code, answer.json()["valid"]) == (200, True)
        wrong = await staff.post("complaints?validate_only=true", BODY | {"pack": "cn-vehicle-1wd"})
        assert wrong.status_code == 422
        id = await staff.made()
        await staff.until(id, "dispatched")
        checked = await staff.post(f"complaints/{id}/steps?validate_only=true", {"step": "accept"})
        assert checked.json()["stage"] == "accepted"
        assert (await staff.get(f"complaints/{id}")).json()["stage"] == "dispatched"


# who may what


async def test_a_partner_sees_its_own_complaints_and_what_is_meant_for_it(played: Stage) -> None:
    async with desks(played) as (staff, _, partner):
        others, own = await staff.made(), await partner.made()
        for path in ("", "/timeline", "/papers", "/evidence/1"):
            assert (await partner.get(f"complaints/{others}{path}")).status_code == 404
        assert (await partner.post(f"complaints/{others}/steps", {"step": "withdraw"})).status_code == 404
        await staff.post(f"complaints/{own}/notes", {"text": "between us"})
        await staff.post(f"complaints/{own}/notes", {"text": "for you", "visibility": "partner"})
        seen = (await partner.get(f"complaints/{own}", personal=True)).json()["complaint"]
        assert [each["text"] for each in seen["notes"]] == ["for you"]
        assert "actions" not in seen
        listed = (await partner.get("complaints", page_size=500)).json()["complaints"]
        assert own in {each["id"] for each in listed}
        assert others not in {each["id"] for each in listed}
        assert (await partner.post("people:erase", {"complaint": own})).status_code == 403
        assert (await partner.post(f"complaints/{own}/steps", {"step": "accept"})).status_code in (403, 409)
        await partner.step(own, "withdraw", reason="settled")


async def test_approval_by_another_person_or_a_delegate(played: Stage) -> None:
    async with desks(played) as (staff, approver, _):
        id = await staff.at_proposed(cost={"value": "60000", "currency": "CNY"})
        assert "offer" not in (await staff.get(f"complaints/{id}")).json()["possible"]
        await staff.step(id, "offer", 409)

        async def approve(desk: Desk, **more: Any) -> httpx.Response:
            return await desk.on_seen(id, "steps", {"step": "approve"} | more)

        assert (await approve(staff)).status_code == 403  # proposed it
        first = await approve(approver, comment="Fair enough.")
        assert (first.status_code, first.json()["stage"]) == (200, "proposed")
        assert (await approve(approver)).status_code == 403  # one person, one role
        now = clock.machine_now()
        given = {
            "role": "general_manager",
            "to": "front-end",
            "from": str(now),
            "until": "2199-01-01T00:00:00Z",
        }
        assert (await approver.post("delegations", given)).status_code == 422  # longer than a year
        view = (await staff.get(f"complaints/{id}", personal=True)).json()["complaint"]
        assert view["actions"][-1]["comment"] == "Fair enough."
        assert view["approvals"][0] | {"at": ""} == {
            "role": "department_head", "clauses": ["amount"], "by": "approver", "instead_of": None, "at": "",
        }  # fmt: skip


async def test_whoever_reads_personal_data_is_logged(played: Stage) -> None:
    async with desks(played) as (staff, approver, _):
        id = await staff.made()
        bare = (await staff.get(f"complaints/{id}")).text
        assert "Quillfeather" not in bare
        assert "tamsin" not in bare
        assert "Quillfeather" in (await staff.get(f"complaints/{id}", personal=True)).text
        reads = (await approver.get("reads", complaint=id)).json()
        assert [(each["by"], each["what"]) for each in reads] == [("front-end", "complaint")]
        assert (await staff.get("reads")).status_code == 403


@pytest.mark.parametrize("given", ["reads", "delegations", "complaints", "complaints:export"])
async def test_nobody_comes_in_without_a_key(played: Stage, given: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as nobody:
        answer = await nobody.get(f"{played.system.url('intake')}/v1/{given}")
        assert answer.status_code == 401


async def test_a_delegation_is_given_listed_and_ended(played: Stage) -> None:
    async with desks(played) as (staff, approver, _):
        until = (clock.machine_now() + timedelta(days=300)).isoformat()
        given = {
            "role": "general_manager",
            "to": "dora",
            "from": clock.machine_now().isoformat(),
            "until": until,
        }
        assert (await staff.post("delegations", given)).status_code == 403
        made = await approver.post("delegations", given)
        assert made.status_code == 201, made.text
        assert made.json()["id"] in {each["id"] for each in (await approver.get("delegations")).json()}
        assert (await staff.post(f"delegations/{made.json()['id']}/end")).status_code == 404
        assert (await approver.post(f"delegations/{made.json()['id']}/end")).status_code == 204
