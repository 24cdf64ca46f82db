"""Who may what: the roles that may take each step, and what the people concerned may not see.

Source: the duties that the regulations name (POLICIES 1.4); separation of duties after ISO 10002, 5.3.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.problems import Forbidden

PARTNER, RESPONDENT = "partner", "respondent"
STAFF = "staff:"
DESK = frozenset({"recorder", "service_manager"})
DEPARTMENT = frozenset(
    {
        "handler", "department_head", "quality_manager", "quality_team_lead", "investigators",
        "emergency_team", "sales", "human_resources", "counsel", "service_manager",
    }
)  # fmt: skip
SUPERVISORS = frozenset({"supervisors", "service_manager"})
HEADS = frozenset({"service_manager", "department_head", "marketing_manager", "general_manager"})
ANYBODY: frozenset[str] = frozenset()
"""No role in particular: whoever the approval matrix names, or any of the staff."""

MAY: Mapping[str, frozenset[str]] = {
    "register": DESK | DEPARTMENT | HEADS | {PARTNER, "supervisors"},
    "screen": DESK | {"handler", "marketing_manager"},
    "accept": DEPARTMENT,
    "assign": HEADS | {"quality_team_lead"},
    "investigate": DEPARTMENT,
    "disown": DEPARTMENT | {"marketing_manager"},
    "own": HEADS,
    "propose": DEPARTMENT,
    "approve": ANYBODY,
    "reject": ANYBODY,
    "offer": DEPARTMENT | DESK,
    "agree": DEPARTMENT | DESK | {PARTNER},
    "negotiate": DEPARTMENT | DESK | {PARTNER},
    "disagree": DEPARTMENT | DESK,
    "start": DEPARTMENT,
    "implement": DEPARTMENT,
    "audit": DESK | {"quality_manager", "supervisors"},
    "answer": DEPARTMENT | DESK | {"spokesperson"},
    "close": DESK,
    "archive": DESK,
    "reopen": DESK | {"supervisors"},
    "withdraw": DESK | {PARTNER},
    "merge": DESK,
    "relate": DESK | DEPARTMENT,
    "emergency": HEADS | {"emergency_team"},
    "adverse_event": DESK | DEPARTMENT,
    "pause": DESK | DEPARTMENT,
    "resume": DESK | DEPARTMENT,
    "revise": DESK | DEPARTMENT,
    "note": DESK | DEPARTMENT | HEADS | {PARTNER, "supervisors"},
    "communicate": DESK | DEPARTMENT | HEADS | {"spokesperson"},
    "print": DESK | DEPARTMENT | HEADS | {"supervisors"},
    "erase": frozenset({"data_protection"}),
    "export": frozenset({"data_protection"}),
    "read figures": DESK | DEPARTMENT | HEADS | {"supervisors"},
    "read the log": frozenset({"data_protection", "supervisors"}),
    "draw": SUPERVISORS,
    "check": SUPERVISORS,
    "order": SUPERVISORS,
    "report": DEPARTMENT | HEADS,
    "verify": SUPERVISORS,
    "send_back": SUPERVISORS,
    "revoke": SUPERVISORS,
    "see supervision": ANYBODY,
    "read trends": DESK | DEPARTMENT | HEADS | {"supervisors"},
    "prevent": HEADS | {"quality_manager", "quality_team_lead", "supervisors"},
    "close a trend": HEADS | {"quality_manager", "supervisors"},
    "add evidence": DESK | DEPARTMENT | HEADS | {PARTNER, "supervisors"},
}
"""Step -> the roles that may take it, one of them is enough."""
OF_A_DEPARTMENT = frozenset({"accept", "investigate", "disown", "propose", "start", "implement", "report"})
"""Steps of departments: whoever belongs to departments takes them for those only."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: under which name, in which roles and departments, and in whose stead for which role."""

    name: str
    roles: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def is_one_of(self, names: Iterable[str]) -> bool:
        """Whether they are named here, with or without the word that tells staff from other callers."""
        known = set(names)
        return bool(known) and not known.isdisjoint(self.names)

    @property
    def names(self) -> list[str]:
        """What they may be called: with and without the word that tells staff from other callers."""
        return sorted({self.name, self.name.removeprefix(STAFF)})

    @property
    def is_partner(self) -> bool:
        """A partner system, whatever else it is: it sees its own complaints only."""
        return PARTNER in self.roles


def holds_role(actor: Actor, step: str) -> bool:
    """Whether one of the actor's roles may take this step at all; any will do where none is named."""
    return not MAY[step] or not MAY[step].isdisjoint(actor.roles)


def check_may(actor: Actor, step: str, involved: Iterable[str], respondents: Iterable[str]) -> None:
    """Raises Forbidden unless this actor may take this step of a complaint of these departments."""
    if actor.is_one_of(respondents):
        raise Forbidden("Whoever a complaint is about takes no part in its handling")
    known = MAY[step]
    if not holds_role(actor, step):
        raise Forbidden(f"'{step}' takes one of the roles {', '.join(sorted(known))}")
    if not known and actor.is_partner:
        raise Forbidden(f"'{step}' is not for partners")
    departments = set(involved)
    if step in OF_A_DEPARTMENT and actor.departments and not actor.departments & departments:
        raise Forbidden(f"'{step}' is for people of {', '.join(sorted(departments)) or 'its departments'}")


def roles_on(actor: Actor, respondents: Iterable[str]) -> frozenset[str]:
    """The actor's roles for one complaint: whoever it is about is its respondent."""
    return actor.roles | ({RESPONDENT} if actor.is_one_of(respondents) else set())
