"""A case under judgement: one record, what was found of it, and the words in which that is said."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from services.intake.domain.complaint import Action, Complaint, Due
from services.intake.domain.facts import facts_of, pack_of
from services.intake.domain.stages import ENDED
from shared.events import Language, Outcome
from shared.policy import FactValue, Pack, phrase

Judgement = Literal["met", "not_met", "open", "not_applicable"]
TAKEN_BACK: tuple[Outcome, ...] = ("withdrawn", "merged")
SENT_ON: tuple[Outcome, ...] = ("transferred", "referred")
UNHANDLED: tuple[Outcome, ...] = (*TAKEN_BACK, *SENT_ON, "refused")
"""Outcomes of what was never handled as ours to its end."""


class Verdict(NamedTuple):
    """What was found, and why, in English and Chinese."""

    judgement: Judgement
    en: str
    zh: str

    def reason(self, language: Language) -> str:
        return phrase(language, self.zh, self.en)


@dataclass(frozen=True)
class Case:
    """One record under judgement; what several lines ask for is made out once."""

    state: Complaint

    @cached_property
    def pack(self) -> Pack:
        return pack_of(self.state)

    @cached_property
    def facts(self) -> dict[str, FactValue]:
        return facts_of(self.state)

    @property
    def ended(self) -> bool:
        return self.state.stage in ENDED

    def last(self, step: str) -> tuple[int, Action | None]:
        """The last time a step was taken in this round, and how far back among the actions; -1 if never."""
        actions, cycle = self.state.actions, self.state.cycle
        found = (n for n in range(len(actions) - 1, -1, -1) if actions[n].what == step)
        at = next((n for n in found if actions[n].cycle == cycle), -1)
        return at, actions[at] if at >= 0 else None

    def until(self, coming: Verdict, never: tuple[Outcome, ...], lacking: Verdict) -> Verdict:
        """`coming` while it can still come, `lacking` at the end, not applicable after these outcomes."""
        if self.state.outcome in never:
            return Verdict("not_applicable", *NEVER_CAME)
        return lacking if self.ended else coming


NEVER_CAME = ("It ended before this was due", "在此之前已终结")
OPEN = Verdict("open", "Still to come", "尚未到此步骤")
ERASED = Verdict("not_applicable", "The customer's data were erased before", "客户信息已先行删除")


def yes(en: str, zh: str) -> Verdict:
    return Verdict("met", en, zh)


def no(en: str, zh: str) -> Verdict:
    return Verdict("not_met", en, zh)


def beside(en: str, zh: str) -> Verdict:
    return Verdict("not_applicable", en, zh)


def run_out(due: Due) -> bool:
    """Whether a clock ran out: it was missed, or is past its time and was not settled since."""
    return due.outcome == "missed" or (due.outcome is None and due.breached)


def of_clocks(state: Complaint, names: set[str]) -> list[Due]:
    """How the clocks of these names did, in all rounds and departments."""
    return [due for key, due in state.deadlines.items() if key.split(":")[1] in names]
