"""The questionnaire: whether a cycle's customer is asked how content they are, and until when.

Events may come in any order. Each cycle that was fed back is either asked about or skipped, once: what is
heard too late to skip it closes it.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID, uuid5

from services.survey.domain.record import FedBack, Reason, Survey, Surveys
from shared.envelope import Cause
from shared.events import (
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintMigrated,
    ComplaintRegistered,
    ComplaintReopened,
    ContactErased,
    Fact,
    FactsRevised,
    HandlerNamed,
    NoticeSent,
    SurveyExpired,
    SurveyInvited,
    SurveyOpened,
    SurveySkipped,
)
from shared.policy import Facts, Pack, Route, load_calendar, stated

ASKED_AFTER = ("resolved", "disagreed")
"""The outcomes after which the customer is asked: somebody worked on the matter."""

Asked = tuple[Surveys, list[Fact]]
Heard = Cause[
    ComplaintRegistered
    | FactsRevised
    | ComplaintFedBack
    | ComplaintReopened
    | ComplaintDispatched
    | ComplaintMigrated
    | HandlerNamed
    | NoticeSent
    | ContactErased
]
Link = Callable[[UUID, datetime], str]
"""Makes the signed link of a survey id that expires at an instant."""


def hear(state: Surveys | None, cause: Heard, complaint: UUID, link: Link) -> Asked:
    """Take in what happened, then ask about every cycle that can be asked about, and close what is over."""
    known = noted(state or Surveys(), cause)
    if known.registered is None:
        return known, []
    new = [
        _asking(known, complaint, cycle) for cycle in sorted(known.fed_back.keys() - _cycles(known.surveys))
    ]
    told = [fact for each in new for fact in _told(each, link)]
    after, ended = _close(known.model_copy(update={"surveys": [*known.surveys, *new]}), cause.time)
    return after, [*told, *ended]


def _cycles(surveys: Iterable[Survey]) -> set[int]:
    return {each.cycle for each in surveys}


def noted(known: Surveys, cause: Heard) -> Surveys:
    """The record with what an event says."""
    match cause.data:
        case ComplaintRegistered() as registered:
            news = {"number": cause.subject, "traceparent": cause.traceparent, "registered": registered}
            return known.model_copy(update=news)
        case ComplaintFedBack(cycle=cycle, outcome=outcome):
            told = {cycle: FedBack(asked=cause.time, outcome=outcome)} | known.fed_back
            return known.model_copy(update={"fed_back": told})
        case ComplaintReopened(cycle=cycle):
            return known.model_copy(update={"reopened": max(known.reopened, cycle)})
        case ComplaintDispatched(cycle=cycle) as routed:
            before = known.dispatched.get(cycle)
            newest = routed if before is None or routed.revision > before.revision else before
            return known.model_copy(update={"dispatched": known.dispatched | {cycle: newest}})
        case FactsRevised(revision=revision) as revised:
            old = known.revised
            newer = revised if old is None or revision > old.revision else old
            return known.model_copy(update={"revised": newer})
        case NoticeSent(cycle=cycle, channel=channel):
            return known.model_copy(update={"sent": {cycle: channel} | known.sent})
        case HandlerNamed(cycle=cycle, handler=handler):
            named = sorted({*known.handlers.get(cycle, []), handler})
            return known.model_copy(update={"handlers": known.handlers | {cycle: named}})
        case ComplaintMigrated() as migrated:
            return known.model_copy(update={"migrated": migrated.or_later(known.migrated)})
        case ContactErased():
            silent = [_without_words(each) for each in known.surveys]
            return known.model_copy(update={"erased": True, "surveys": silent})


def _without_words(each: Survey) -> Survey:
    bare = each.answer and each.answer.model_copy(update={"comment": "", "texts": {}})
    return each.model_copy(update={"answer": bare})


def _asking(state: Surveys, complaint: UUID, cycle: int) -> Survey:
    """The asking about a cycle that was fed back, open or skipped."""
    assert state.registered is not None
    pack, told = state.pack, state.fed_back[cycle]
    survey = Survey(
        id=uuid5(complaint, f"survey {cycle}"),
        cycle=cycle,
        asked=told.asked,
        month=f"{told.asked.astimezone(load_calendar(pack.calendar).zone):%Y-%m}",
        route=route(pack, state.registered),
    )
    reason = skipped_for(state, pack, complaint, cycle)
    if reason is not None:
        return survey.model_copy(update={"state": "skipped", "reason": reason, "ended": told.asked})
    rule = pack.survey
    days = sorted({each for each in rule.reminders_days if each < rule.expires_days})
    reminders = [told.asked + timedelta(days=each) for each in days]
    expires = told.asked + timedelta(days=rule.expires_days)
    return survey.model_copy(update={"expires": expires, "reminders": reminders})


def route(pack: Pack, registered: ComplaintRegistered) -> Route:
    """How the pack wants the customer to be asked: its own first way, or the way their answer went."""
    return (*pack.survey.routes, pack.feedback.get(registered.channel, "email"))[0]


def skipped_for(state: Surveys, pack: Pack, complaint: UUID, cycle: int) -> Reason | None:
    """Why the customer is not asked about a cycle; None if they are.

    What no later news can change comes first, so that the reason seldom depends on the order of news.
    """
    outcome = state.fed_back[cycle].outcome
    if outcome not in ASKED_AFTER:
        return "outcome"
    if not pack.survey.when.holds(_facts(state, pack, cycle, outcome)):
        return "rule"
    if not is_sampled(complaint, cycle, pack.survey.sample):
        return "not_sampled"
    return _overtaken(state, cycle)


def _facts(state: Surveys, pack: Pack, cycle: int, outcome: str) -> Facts:
    """What `survey.when` can ask about: the facts as registered, besides round and outcome."""
    given = state.registered
    assert given is not None
    known = stated(given, pack.facts, pack.money)
    return known | {
        "channel": given.channel,
        "language": given.language,
        "cycle": cycle,
        "outcome": outcome,
    }


def is_sampled(complaint: UUID, cycle: int, share: Decimal) -> bool:
    """Whether this cycle is in the share that is asked; always the same for the same one."""
    lot = hashlib.sha256(f"{complaint} {cycle}".encode()).digest()[:8]
    return int.from_bytes(lot) < share * 2**64


def _overtaken(state: Surveys, cycle: int) -> Literal["erased", "reopened"] | None:
    """What has happened since, so that there is nobody, or nothing, to ask about any more."""
    if state.erased:
        return "erased"
    return "reopened" if cycle < state.reopened else None


def _told(survey: Survey, link: Link) -> list[Fact]:
    if survey.expires is None:
        assert survey.reason is not None
        return [SurveySkipped(cycle=survey.cycle, reason=survey.reason)]
    cycle, expires = survey.cycle, survey.expires
    opened = SurveyOpened(cycle=cycle, expires=expires)
    return [opened, SurveyInvited(cycle=cycle, expires=expires, link=link(survey.id, expires))]


def _close(state: Surveys, at: datetime) -> Asked:
    """End the open surveys whose complaint was reopened, or whose customer was erased, since."""
    owed: list[Fact] = []
    for survey in state.surveys:
        reason = _overtaken(state, survey.cycle)
        if survey.state == "open" and reason is not None:
            ended = {"state": "closed", "reason": reason, "ended": at}
            state = state.replaced(survey.model_copy(update=ended))
            owed.append(SurveyExpired(cycle=survey.cycle, because=reason))
    return state, owed
