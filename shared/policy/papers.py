"""Papers: the forms that a regulation names, as data: what stands on them, from which stage on, who signs."""

from typing import Literal

from shared.policy.conditions import Section
from shared.policy.words import Titles

Act = Literal["prepared", "reviewed", "approved", "verified", "received"]
"""What a signature says: 编制, 审核, 批准, 验证, 签收."""
REACHED = (
    "received", "registered", "acknowledged", "screened", "dispatched", "accepted", "investigated",
    "proposed", "offered", "agreed", "implemented", "audited", "answered", "fed_back", "closed",
)  # fmt: skip
"""What a complaint may have come to for a paper to be made."""
PRINTABLE = (
    "number", "received_at", "registered_at", "occurred_at", "recorder", "name", "contact", "email", "phone",
    "address", "place", "order", "description", "evidence", "loss", "demand", "stage", "progress", "since",
    "holder", "lead", "departments", "handler", "respondents", "acknowledged_at", "promised", "findings",
    "interim_measure", "permanent_measure", "owner", "due", "solution", "approvals", "customer_agreed",
    "implementation", "verification", "method", "reply", "fed_back_at", "score", "outcome", "summary",
    "closed_at", "communications", "refusal_reason",
)  # fmt: skip
"""Fields of the record that a paper may show, besides the facts."""


class Paper(Section):
    """A form that the regulation names, made from the record: which fields, from which stage on.

    One `over` a period is a list of many complaints, too, with a column for each field. `signed_by` names the
    roles that sign it, in the order of the signatures.
    """

    title: Titles
    fields: tuple[str, ...] = ()
    stage: str = "received"
    over: Literal["complaint", "period"] = "complaint"
    signed_by: dict[Act, str] = {}
    clause: str = ""
