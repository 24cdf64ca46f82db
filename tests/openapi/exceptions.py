"""What Schemathesis is not asked, and why: the one place where a check is switched off."""

from typing import Any

NOT_CALLED = {
    "GET /v1/complaints:live": "it never ends by itself; tests/openapi/test_live.py asks it",
}
OTHERWISE: dict[str, Any] = {
    # 412 answers an If-Match that somebody made up, 413 a body that is longer than any taken.
    "positive_data_acceptance": {
        "expected-statuses": ["2xx", "401", "403", "404", "409", "412", "428", "5xx"]
    },
    "negative_data_rejection": {
        "expected-statuses": [
            "400",
            "401",
            "403",
            "404",
            "405",
            "409",
            "412",
            "413",
            "415",
            "422",
            "428",
            "5xx",
        ]
    },
}
RULES = "what passes the form is refused by a rule that no schema can tell: "
NOT_ALL_ACCEPTED = {
    "POST /v1/complaints": RULES + "names are those of the policy pack",
    "POST /v1/complaints/{id}/steps": RULES + "names are those of the policy pack",
    "POST /v1/complaints/{id}/facts": RULES + "names are those of the policy pack",
    "POST /v1/complaints/{id}/notes": RULES + "an Idempotency-Key is for one payload",
    "POST /v1/complaints/{id}/communications": RULES + "an Idempotency-Key is for one payload",
    "POST /v1/complaints/{id}/evidence": RULES + "the bytes must be of a kind that is taken",
    "POST /v1/complaints:import": RULES + "the first line of a CSV must be headings",
    "POST /v1/people:erase": RULES + "a person is named in one way",
    "POST /v1/people:export": RULES + "a person is named in one way",
    "POST /v1/delegations": RULES + "a delegation ends after it begins",
    "PUT /v1/views/{name}": "an If-Match is sent without the quotes that its pattern has",
    "DELETE /v1/views/{name}": "the same",
    "POST /v1/orders/{id}/steps": RULES + "all but verify take words",
    "POST /v1/spot-checks": RULES + "an Idempotency-Key is for one payload",
    "POST /v1/orders": RULES + "departments are those of the policy pack, and a deadline lies ahead",
    "GET /v1/orders": RULES + "a page token is signed",
    "GET /v1/complaints": RULES + "a page token is signed",
    "GET /v1/conformance": RULES + "the pack must be there",
    "GET /v1/conformance/{line}": RULES + "a page token is signed",
    "GET /v1/complaints/{id}": RULES + "nobody knows how it will stand",
    "GET /v1/trends": RULES + "a page token is signed",
    "GET /v1/charts": RULES + "there are charts of some combinations only",
    "POST /v1/trends/{id}/measures": RULES + "an Idempotency-Key is for one payload",
    "GET /v1/vocabulary": RULES + "the pack must be there",
    "GET /v1/papers": RULES + "the pack must be there",
    "GET /v1/papers/{paper}": RULES + "the pack must be there",
    "GET /v1/deadlines": RULES + "a page token is signed",
    "GET /v1/notices": RULES + "a page token is signed",
    "GET /v1/notices/digests": RULES + "a page token is signed",
    "GET /v1/notices/letters": RULES + "a page token is signed",
    "GET /v1/notices/tasks": RULES + "a page token is signed",
    "POST /v1/spot-checks/{id}/findings": RULES + "findings are for the complaints that were drawn",
    "GET /v1/adjudications": RULES + "a page token is signed",
    "GET /v1/adjudications:report": RULES + "the pack must be there, and a period ends after it begins",
    "GET /v1/surveys": RULES + "a page token is signed, and scores are from one to a higher one",
    "GET /v1/surveys:statistics": RULES + "a period ends after it begins, and dimensions are known",
    "POST /v1/surveys/{complaint}/answers": RULES + "questions are those of the policy pack",
    "POST /s/{token}": RULES + "questions are those of the policy pack",
    "GET /v1/statistics": RULES + "a period ends after it begins, and groups have an end",
    "GET /v1/statistics/deadlines": RULES + "a period ends after it begins",
    "POST /v1/deadlines:calculate": RULES + "names are those of the policy pack",
    "POST /v1/policies/{pack}/simulations": RULES + "the body must be a policy pack",
    "PUT /v1/policies/{pack}/versions/{version}": RULES + "the body must be a policy pack",
    "POST /v1/policies/{pack}/migrations": RULES + "the versions must be there",
    "POST /v1/gradings/{complaint}/decisions": RULES + "names are those of the policy pack",
    "PUT /v1/calendars/{name}/versions/{version}": RULES + "the body must be a calendar",
    "POST /v1/notices:preview": RULES + "a text may name the words of its kind only",
    "POST /v1/webhooks": RULES + "a URL must lead to where webhooks may go",
    "GET /v1/webhooks": RULES + "a page token is signed",
    "PATCH /v1/webhooks/{id}": RULES + "a URL must lead to where webhooks may go",
    "GET /v1/webhooks/{id}/deliveries": RULES + "a page token is signed",
    "POST /v1/webhooks/{id}:replay": RULES + "a span of time ends after it begins",
    "DELETE /v1/webhooks/{id}": "an If-Match is sent without the quotes that its pattern has",
    "POST /v1/webhooks/{id}/secrets": "the same",
    "POST /v1/webhooks/{id}:enable": "the same",
    "POST /v1/webhooks/{id}:disable": "the same",
}
"""Operations without `positive_data_acceptance`."""
NOT_ALL_REJECTED = {
    "POST /v1/complaints:import": "a body that is no string is none on the wire: whatever is sent is a text",
    "POST /v1/policies/{pack}/simulations": "the same",
    "PUT /v1/policies/{pack}/versions/{version}": "the same",
    "PUT /v1/calendars/{name}/versions/{version}": "the same",
}
"""Operations without `negative_data_rejection`."""


def checks() -> dict[str, dict[str, Any]]:
    """Operation -> checks that are switched off for it."""
    off: dict[str, dict[str, Any]] = {}
    for check, names in (
        ("positive_data_acceptance", NOT_ALL_ACCEPTED),
        ("negative_data_rejection", NOT_ALL_REJECTED),
    ):
        for name in names:
            off.setdefault(name, {})[check] = {"enabled": False}
    return off
