"""The deadlines: one document for each complaint, found by the next instant at which one must speak up."""

from services.sla.domain.deadlines import Deadlines
from shared.copies import Copies
from shared.mongo import Store, index

deadlines = Store(
    "sla",
    "deadlines",
    Deadlines,
    lift=lambda state: {"next_due": state.next_due},
    indexes=[index("next_due")],
)
copies = Copies(deadlines)
