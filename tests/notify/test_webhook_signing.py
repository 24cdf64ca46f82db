"""Signatures of webhooks: the standard's known cases, and whatever we sign its public library verifies."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from services.notify.domain.signing import TOLERANCE_S, fault, key_of, secret_text, sign
from shared import clock
from tests.kit.cases import reference

MANUAL = Path(__file__).parents[2] / "docs" / "webhooks.md"
FILE = "standard_webhooks_vectors.json"
KEYS = st.binary(min_size=1, max_size=64)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)


PUBLISHED = {
    "name": "the example that the standard's libraries publish",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "timestamp": 1614265330,
    "now": 1614265330,
    "payload": '{"test": 2432232314}',
    "signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    "valid": True,
}


def cases() -> list[dict[str, Any]]:
    """The reference cases that lie beside the project; none if there is no such folder."""
    found = reference(FILE)
    return list(found["cases"]) if found else []


def is_genuine(case: dict[str, Any]) -> bool:
    """What we say of a message; a secret that cannot be one verifies nothing."""
    now = datetime.fromtimestamp(case["now"], UTC)
    stamp = None if case["timestamp"] is None else str(case["timestamp"])
    body = case["payload"].encode()
    try:
        return fault([case["secret"]], case["id"], stamp, case["signature"], body, now) is None
    except ValueError:
        return False


def sample(title: str) -> str:
    """The indented lines under a heading of the manual."""
    section = MANUAL.read_text(encoding="utf-8").split(f"### {title}\n")[1].split("\n##")[0]
    return "\n".join(line[4:] for line in section.split("\n") if line.startswith("    ") or not line)


async def test_the_sample_of_the_manual_takes_what_we_sign_and_nothing_else() -> None:
    secret, body = secret_text(b"a secret of an endpoint"), '{"type":"x","subject":"投诉"}'
    stamp = int(clock.machine_now().timestamp())
    namespace: dict[str, Any] = {}
    exec(sample("Verify, in Python").replace("whsec_...", secret), namespace)
    signature = sign([secret], "a-message", stamp, body.encode())
    headers = {"webhook-id": "a-message", "webhook-timestamp": str(stamp), "webhook-signature": signature}
    transport = httpx.ASGITransport(namespace["app"])
    async with httpx.AsyncClient(transport=transport, base_url="http://receiver.test") as client:
        assert (await client.post("/hooks", content=body, headers=headers)).status_code == 200
        assert (await client.post("/hooks", content=body + " ", headers=headers)).status_code == 400
        assert (await client.post("/hooks", content=body)).status_code == 400


@pytest.mark.parametrize("case", [PUBLISHED, *cases()], ids=lambda case: case["name"])
def test_a_known_case_is_judged_as_it_should_be(case: dict[str, Any]) -> None:
    assert is_genuine(case) == case["valid"]
    if case["valid"]:
        made = sign([case["secret"]], case["id"], case["timestamp"], case["payload"].encode())
        assert made in case["signature"].split()


def test_all_reference_cases_were_there() -> None:
    assert len(cases()) in (0, 18)


@given(KEYS, TEXTS)
def test_the_public_library_verifies_what_we_sign_and_we_verify_it(key: bytes, text: str) -> None:
    secret, now = secret_text(key), clock.machine_now()
    stamp = int(now.timestamp())
    made = sign([secret], "id", stamp, text.encode())
    headers = {"webhook-id": "id", "webhook-timestamp": str(stamp), "webhook-signature": made}
    Webhook(secret).verify(text, headers, json_parse=False)
    assert fault([secret], "id", str(stamp), made, text.encode(), now) is None
    assert made == Webhook(secret).sign("id", datetime.fromtimestamp(stamp, UTC), text)


@given(KEYS, KEYS, TEXTS, st.sampled_from(["id", "timestamp", "body", "secret"]))
def test_whatever_is_changed_no_signature_fits(key: bytes, other: bytes, text: str, changed: str) -> None:
    now = clock.machine_now()
    stamp = int(now.timestamp())
    made = sign([secret_text(key)], "id", stamp, text.encode())
    secret = secret_text(other + b"!" + key if changed == "secret" else key)
    id, timestamp = "id2" if changed == "id" else "id", str(stamp + (changed == "timestamp"))
    body = text.encode() + (b" " if changed == "body" else b"")
    found = fault([secret], id, timestamp, made, body, now)
    assert found is not None
    assert "signature" in found


@pytest.mark.parametrize("seconds", [-TOLERANCE_S - 1, TOLERANCE_S + 1])
def test_a_message_of_another_time_is_not_genuine(seconds: int) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    stamp = str(int((now + timedelta(seconds=seconds)).timestamp()))
    secret = secret_text(b"k")
    assert fault([secret], "id", stamp, sign([secret], "id", int(stamp), b""), b"", now)


def test_while_a_secret_is_replaced_either_verifies() -> None:
    old, new = secret_text(b"old"), secret_text(b"new")
    now = clock.machine_now()
    stamp = str(int(now.timestamp()))
    both = sign([new, old], "id", int(stamp), b"{}")
    assert len(both.split(" ")) == 2
    for each in (old, new):
        headers = {"webhook-id": "id", "webhook-timestamp": stamp, "webhook-signature": both}
        Webhook(each).verify("{}", headers)


def test_a_secret_is_a_key_in_base64_and_never_empty() -> None:
    assert key_of(secret_text(b"abc")) == b"abc"
    assert key_of(base64.b64encode(b"abc").decode()) == b"abc"
    for bad in ("whsec_", "", "whsec_%%%"):
        with pytest.raises(ValueError, match=r".+"):
            key_of(bad)
