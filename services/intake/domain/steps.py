"""The forms of steps: what a person says with each; `words` are fields that may point to a person."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.intake.domain.forms import Given
from shared.events import Channel, Instant, Money, Name, Party, Screening, Text

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class Saying(Given):
    """Something that a person does or says about a complaint."""

    words: ClassVar[tuple[str, ...]] = ()


class Screen(Saying):
    """Whether it is ours to handle. Anything but in_scope needs a `reason`, which the customer reads."""

    step: Literal["screen"]
    decision: Screening
    reason: Text | None = None
    words: ClassVar[tuple[str, ...]] = ("reason",)


class Accept(Saying):
    """The lead department takes the complaint on; any other that must answer may say so, too."""

    step: Literal["accept"]
    department: Name | None = Field(None, description="Default: the lead department")


class Assign(Saying):
    """Who handles it."""

    step: Literal["assign"]
    handler: Name
    department: Name | None = None


class Investigate(Saying):
    """The matter is looked into; or, with `cause`, one of the class's causes in the pack, it was found."""

    step: Literal["investigate"]
    cause: Name | None = None
    findings: Text | None = None
    words: ClassVar[tuple[str, ...]] = ("findings",)


class Disown(Saying):
    """The matter is not ours; a second person with a say in it must find so, too."""

    step: Literal["disown"]
    reason: Reason
    words: ClassVar[tuple[str, ...]] = ("reason",)


class Own(Saying):
    """The matter is ours after all."""

    step: Literal["own"]


class Propose(Saying):
    """A way to put it right: `measure` at once, `permanent` against its coming again, by whom and when."""

    step: Literal["propose"]
    measure: Name
    department: Name
    kind: Name | None = Field(None, description="One of the class's solutions in the pack, where it has some")
    permanent: Name | None = None
    owner: Name | None = Field(None, description="The person responsible")
    due: Instant | None = None
    cost: Money | None = Field(None, description="What may be spent on all of it")
    compensation: Money | None = Field(None, description="The part of it that the customer gets")


class Approve(Saying):
    """A role that must approve does so; separate people for separate roles, and none their own proposal."""

    step: Literal["approve"]
    role: Name | None = Field(None, description="Default: the one whose turn it is")
    comment: Reason | None = None
    words: ClassVar[tuple[str, ...]] = ("comment",)


class Reject(Saying):
    """A role that must approve does not; the proposal goes back with the reason."""

    step: Literal["reject"]
    role: Name | None = None
    reason: Reason
    words: ClassVar[tuple[str, ...]] = ("reason",)


class Offer(Saying):
    """The solution is put to the customer, in the words of `text`, or else as the measure is called."""

    step: Literal["offer"]
    text: Text | None = None
    words: ClassVar[tuple[str, ...]] = ("text",)


class Agree(Saying):
    """The customer agrees."""

    step: Literal["agree"]


class Negotiate(Saying):
    """The customer wants something else; another solution is to be found."""

    step: Literal["negotiate"]
    wish: Reason | None = None
    words: ClassVar[tuple[str, ...]] = ("wish",)


class Disagree(Saying):
    """There is no agreement; the customer is told why, and the `remedies`: which other ways are open."""

    step: Literal["disagree"]
    remedies: Reason
    words: ClassVar[tuple[str, ...]] = ("remedies",)


class Start(Saying):
    """The agreed solution is being carried out."""

    step: Literal["start"]


class Implement(Saying):
    """The solution was carried out: `proof` numbers evidence, `spent` is at most what was proposed."""

    step: Literal["implement"]
    spent: Money | None = None
    proof: tuple[int, ...] = Field((), max_length=20)
    report: Reason | None = None
    words: ClassVar[tuple[str, ...]] = ("report",)


class Audit(Saying):
    """The service desk checked the result before the customer is told; not passed, it is to be done again."""

    step: Literal["audit"]
    passed: bool = True
    findings: Reason | None = None
    words: ClassVar[tuple[str, ...]] = ("findings",)


class Answer(Saying):
    """The words in which the customer is told the result."""

    step: Literal["answer"]
    text: Text
    words: ClassVar[tuple[str, ...]] = ("text",)


class Close(Saying):
    """The end, with a summary of the case."""

    step: Literal["close"]
    summary: Text
    words: ClassVar[tuple[str, ...]] = ("summary",)


class Archive(Saying):
    """The closed record is filed."""

    step: Literal["archive"]


class Reopen(Saying):
    """A closed complaint begins another round."""

    step: Literal["reopen"]
    reason: Reason
    words: ClassVar[tuple[str, ...]] = ("reason",)


class Withdraw(Saying):
    """The customer takes the complaint back."""

    step: Literal["withdraw"]
    reason: Reason | None = None
    words: ClassVar[tuple[str, ...]] = ("reason",)


class Merge(Saying):
    """It says what another complaint says, which goes on for both."""

    step: Literal["merge"]
    into: UUID


class Relate(Saying):
    """It has to do with another complaint."""

    step: Literal["relate"]
    to: UUID


class DeclareEmergency(Saying):
    """The emergency plan: top management is told at once, a special team is named, one person speaks."""

    step: Literal["emergency"]
    team: tuple[Name, ...] = Field(min_length=1, max_length=30)
    spokesperson: Name


class RecordAdverseEvent(Saying):
    """Whether death or serious injury occurred, by the customer's answer; `assessed` once it was judged."""

    step: Literal["adverse_event"]
    occurred: bool
    assessed: bool = False
    answer: Reason | None = None
    words: ClassVar[tuple[str, ...]] = ("answer",)


class Pause(Saying):
    """The complaint must wait for somebody outside; clocks that allow for it stand still.

    With a `question` the customer is asked for what is missing.
    """

    step: Literal["pause"]
    waits_for: Party
    question: Text | None = None
    words: ClassVar[tuple[str, ...]] = ("question",)


class Resume(Saying):
    """The wait is over."""

    step: Literal["resume"]


Step = Annotated[
    Screen | Accept | Assign | Investigate | Disown | Own | Propose | Approve | Reject | Offer | Agree
    | Negotiate | Disagree | Start | Implement | Audit | Answer | Close | Archive | Reopen | Withdraw
    | Merge | Relate | DeclareEmergency | RecordAdverseEvent | Pause | Resume,
    Field(discriminator="step"),
]  # fmt: skip


class WriteNote(Saying):
    """A note for the staff, or for the partner who handed the complaint in to see too."""

    text: Text
    visibility: Literal["internal", "partner"] = "internal"
    words: ClassVar[tuple[str, ...]] = ("text",)


class Communicate(Saying):
    """A word exchanged with somebody outside: which way, by which channel, when."""

    text: Text
    direction: Literal["in", "out"]
    channel: Channel
    with_: Literal["customer", "partner", "third_party"] = Field("customer", alias="with")
    at: Instant | None = Field(None, description="Default: now")
    words: ClassVar[tuple[str, ...]] = ("text",)
