"""Scenes: every way that a complaint can take, played so that each public event comes about."""

from deploy.local.scenes.callers import PERSONAL, Desk, desks
from deploy.local.scenes.rules import rules
from deploy.local.scenes.supervising import bad_batch, countered, supervision, usual_batches
from deploy.local.scenes.telling import telling
from deploy.local.scenes.ways import ways

__all__ = [
    "PERSONAL",
    "Desk",
    "bad_batch",
    "countered",
    "desks",
    "rules",
    "supervision",
    "telling",
    "usual_batches",
    "ways",
]
