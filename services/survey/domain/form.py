"""The form: the pack's questions as a page shows them, and what was filled in when it comes back."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.survey.domain.wording import words
from shared.events import Language
from shared.policy import Question, SurveyRule


@dataclass(frozen=True, slots=True)
class Field:
    """A question on the page: its element's id, its name in the form, and what can be chosen."""

    id: str
    field: str
    type: str
    title: str
    required: bool
    options: Mapping[str, str]


def ids(rule: SurveyRule) -> dict[str, str]:
    """The element in which each field begins; no question of a pack can take that of another field."""
    own = {name: name for name in ("score", "comment", "consent")}
    return own | {f"answers/{name}": f"question-{name}" for name in rule.questions}


def asked(rule: SurveyRule, language: Language) -> list[Field]:
    """The pack's questions, in its order."""
    about = ids(rule)
    return [
        Field(
            id=about[f"answers/{name}"],
            field=f"answers/{name}",
            type=each.type,
            title=each.title[language],
            required=each.required,
            options=_options(each, language),
        )
        for name, each in rule.questions.items()
    ]


def _options(question: Question, language: Language) -> dict[str, str]:
    say = words(language)
    if question.type == "yes_no":
        found = {"yes": say["yes"], "no": say["no"]}
    else:
        found = {value: titles[language] for value, titles in question.options.items()}
    return found if question.required else found | {"": say["none"]}


def filled(fields: Mapping[str, str], rule: SurveyRule) -> dict[str, str]:
    """What stands in each field."""
    names = ("score", "comment", "consent", *(f"answers/{name}" for name in rule.questions))
    return {name: fields.get(name, "") for name in names}
