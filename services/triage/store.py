"""The gradings: one document for each complaint."""

from services.triage.domain.grading import Grading
from shared.mongo import Store

gradings = Store("triage", "gradings", Grading)
