"""Copies of what the services stored are whole documents, and differ in what tells complaints apart."""

from uuid import UUID

from bench.fill import Model
from shared.driver import encoded

ID = UUID("0199c0de-0000-7000-8000-000000000001")
NUMBER, REQUEST = "RC-2345678923", "0123456789abcdef0123456789abcdef"


def test_a_copy_is_the_model_under_another_name() -> None:
    record = {"_id": ID, "number": NUMBER, "request": f"shop|{REQUEST}", "state": {"id": str(ID), "n": 7}}
    model = Model(ID, NUMBER.encode(), REQUEST.encode(), {"intake": encoded(record)})
    ((service, first),) = model.copy(1)
    ((_, second),) = model.copy(2)
    assert service == "intake"
    for number, raw in ((1, first), (2, second)):
        assert raw["number"] == f"RC-{number:010d}"
        assert raw["state"]["id"] != str(ID)
        assert raw["state"]["n"] == 7
        assert len(raw.raw) == len(encoded(record))
    assert len({ID, first["_id"].as_uuid(), second["_id"].as_uuid()}) == 3
    assert first["_id"].as_uuid() == UUID(first["state"]["id"])
    assert len({record["request"], first["request"], second["request"]}) == 3
