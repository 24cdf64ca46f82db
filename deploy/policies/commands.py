"""`redress policies`: the commands; what they say is made in the modules beside this one."""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml

from deploy.policies.checking import Checked, checked, lines, shelf, table
from deploy.policies.grading import graded, usable
from deploy.policies.opening import Opened, all_known, bindings, is_file, named, opened
from deploy.policies.remote import Triage, proposal, rehearsed, summary
from deploy.policies.showing import shown
from deploy.telling import refusing
from shared.events import Language
from shared.policy import available
from shared.problems import Invalid, Problem

app = typer.Typer(help="Policy packs: regulations as data.", no_args_is_help=True)


class Spoken(StrEnum):
    """The languages of the titles."""

    CHINESE = "zh-CN"
    TAIWAN = "zh-TW"
    ENGLISH = "en"

    @property
    def of_titles(self) -> Language:
        return self.value


Pack = Annotated[
    str, typer.Argument(metavar="PACK[/VERSION]", help="A pack of the box, or the path of a file")
]
In = Annotated[Spoken, typer.Option("--language", help="The language of titles and words")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Bind a parameter; repeatable")
]
Raw = Annotated[bool, typer.Option("--json", help="As JSON")]
Url = Annotated[str, typer.Option("--url", envvar="REDRESS_TRIAGE_URL", help="Where triage is")]
Key = Annotated[str, typer.Option("--key", envvar="REDRESS_API_KEY", help="Your API key", show_default=False)]
LOCAL = "http://127.0.0.1:8002"


@app.command("list")
def list_(as_json: Raw = False, language: In = Spoken.ENGLISH) -> None:
    """Show every pack and version in the box, and whether it can be used."""
    found = list(shelf())
    if as_json:
        typer.echo(_json([each.told() for each in found]))
    else:
        typer.echo("\n".join(table(found, language.of_titles)))


@app.command()
def check(
    packs: Annotated[
        list[str] | None, typer.Argument(metavar="[PACK | FILE ...]", help="All if none")
    ] = None,
    set_: Set = None,
    activate: Annotated[bool, typer.Option("--activate", help="Refuse what cannot be used as it is")] = False,
) -> None:
    """Prove form, parameters and vectors of packs; say all that is wrong, with line and mend."""
    with refusing():
        values = bindings(set_ or [])
        found = [each for given in packs or [""] for each in _found(given)]
        all_known(values, [each for each in found if isinstance(each, Opened)])
    results = [checked(each.bind(values)) if isinstance(each, Opened) else each for each in found]
    for result in results:
        for line in result.lines(activate=activate):
            typer.echo(line)
    raise typer.Exit(any(result.refused(activate=activate) for result in results))


def _found(given: str) -> Iterator[Opened | Checked]:
    """What is to be checked: a file, a version, all of a pack, or all (nothing given)."""
    versions = [f"{pack}/{version}" for pack, version in available() if given in ("", pack)]
    for name in [given] if is_file(given) else versions or [given]:
        try:
            yield opened(name)
        except Problem as problem:
            yield Checked(name, 0, faults=tuple(lines(problem, name)))


@app.command()
def show(
    pack: Pack,
    language: In = Spoken.ENGLISH,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="All of it as YAML, what it extends included")
    ] = False,
) -> None:
    """Show a pack in words."""
    with refusing():
        found = opened(pack)
        if as_yaml:
            content = {key: each for key, each in found.draft.content.items() if key != "extends"}
            told = (
                content if content.get("abstract") else {k: v for k, v in content.items() if k != "abstract"}
            )
            typer.echo(yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=110), nl=False)
        else:
            typer.echo("\n".join(shown(found, language.of_titles)))


@app.command()
def grade(pack: Pack, set_: Set = None) -> None:
    """Read facts as JSON lines from stdin, and write a decision for each as a JSON line."""
    with refusing():
        values = bindings(set_ or [])
        found = opened(pack)
        all_known(values, [found])
        ready = usable(found, values)
    good = True
    for fine, answer in graded(typer.get_binary_stream("stdin"), ready):
        typer.echo(answer)
        good = good and fine
    raise typer.Exit(not good)


@app.command()
def simulate(file: str, url: Url = LOCAL, key: Key = "", as_json: Raw = False) -> None:
    """Ask triage what a changed pack would have said to the complaints that are there; changes nothing."""
    with refusing(file):
        pack, version, text = proposal(file)
        answer = Triage(url, key).simulate(pack, text)
        told = _json(answer) if as_json else "\n".join(summary(rehearsed(answer), f"{pack}/{version}"))
    typer.echo(told)


@app.command()
def publish(
    given: Annotated[
        str, typer.Argument(metavar="FILE | PACK/VERSION", help="To propose; or with --approve")
    ],
    approve: Annotated[bool, typer.Option("--approve", help="Approve what another proposed")] = False,
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Propose a version to triage, or approve one that somebody else proposed."""
    with refusing(given):
        if not approve:
            _propose(given, Triage(url, key))
            return
        pack, version = proposal(given)[:2] if is_file(given) else named(given)
        answer = Triage(url, key).approve(pack, version)
        typer.echo(f"published  {pack}/{version}  {_people(answer)}")
        typer.echo(
            "It never changes any more, and every service has it. New complaints take it when they name it."
        )
        move = f"redress policies migrate {pack} FROM {version} --preview"
        typer.echo(f"Complaints under way keep the version they began with: {move}")


def _propose(file: str, triage: Triage) -> None:
    if not is_file(file):
        raise Invalid(f"{file} is no file; give the path of the pack to propose, or --approve")
    pack, version, text = proposal(file)
    answer = triage.propose(pack, version, text)
    if _of(answer, "state") == "published":
        typer.echo(f"published  {pack}/{version}  {_people(answer)}: it was already, with this very content")
        return
    typer.echo(f"proposed  {pack}/{version}  {_people(answer)}")
    typer.echo(
        f"Next, somebody else with a key of their own: redress policies publish {pack}/{version} --approve"
    )


@app.command()
def migrate(
    pack: str,
    before: Annotated[int, typer.Argument(metavar="FROM", min=1)],
    after: Annotated[int, typer.Argument(metavar="TO", min=1)],
    preview: Annotated[bool, typer.Option("--preview", help="Only say what it would change")] = False,
    back: Annotated[bool, typer.Option("--back", help="Only those that once came from TO")] = False,
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Take the complaints on one version of a pack over to another."""
    with refusing():
        answer = Triage(url, key).migrate(pack, before, after, preview=preview, back=back)
        verb = "would go" if preview else "go"
        typer.echo(
            f"{_of(answer, 'complaints')} complaints {verb} over from {pack}/{before} to {pack}/{after}"
        )
        if refused := _of(answer, "refused"):
            typer.echo(f"{refused} were refused and stay with {pack}/{before}")
        typer.echo("\n".join(summary(rehearsed(_of(answer, "rehearsal")), f"{pack}/{after}")))


def _people(answer: Any) -> str:
    told = [f"{word} by {name}" for word in ("proposed", "approved") if (name := _of(answer, PEOPLE[word]))]
    return ", ".join(told)


PEOPLE = {"proposed": "author", "approved": "approver"}


def _of(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, dict) else None


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
