"""Erasing: what triage forgets of a customer, while every count and grade stays as it is.

Fingerprints go as soon as the series they lead to are known; from then on these are remembered instead, and
a fact that is revised later leads to no other series of that customer.
"""

from services.triage.domain.case import Case, Decided
from services.triage.domain.record import Grading


def without_words(state: Grading) -> Grading:
    """The record of an erased customer, with nothing in it that people wrote."""
    records = [
        each.model_copy(update={"decided": each.decided and silent(each.decided)}) for each in state.records
    ]
    decided = [silent(each) for each in state.decided]
    return state.model_copy(update={"erased": True, "decided": decided, "records": records})


def silent(word: Decided) -> Decided:
    """A decision without the words that somebody gave for it."""
    return word.model_copy(update={"why": ""})


def forgotten(state: Grading, case: Case) -> Grading:
    """The record without fingerprints, once its customer is erased and all series of this case know of it."""
    if not state.erased or state.unsettled or not state.fingerprints:
        return state
    return state.model_copy(update={"fingerprints": (), "remembered": state.remembered | case.of_customer()})
