"""The harness sees what is wrong: each of these would be a mistake in a page."""

import textwrap
from pathlib import Path

import pytest

from tests.docs.conftest import Desk
from tests.docs.elsewhere import elsewhere
from tests.docs.mentions import is_setting, missing_files, missing_modules, missing_words, options_wrong
from tests.docs.operations import meant, written
from tests.docs.reading import Page, Unclear, read, steps
from tests.docs.samples import Wrong, check
from tests.docs.shell import alike, fits, loose_json
from tests.docs.test_commands import Reader, opened


def page(text: str) -> Page:
    return read("docs/page.md", text)


def dedented(text: str) -> Page:
    return page(textwrap.dedent(text))


def test_blocks_are_known_by_their_looks_or_by_what_is_said() -> None:
    found = dedented("""
        # A title, with (marks)

        See [this](other.md#there) and `make up`.

            curl -s http://127.0.0.1:1/ \\
              -d '{"a":
                   1}'
            export A=b

            {"id": "..."}

        ```python
        import os
        ```

        <!-- run: as text -->

            curl is no command here
        """)
    assert [block.language for block in found.blocks] == ["sh", "json", "python", "text"]
    assert [step.command.split()[0] for step in steps(found.blocks[0])] == ["curl", "export"]
    assert found.blocks[1].follows
    assert not found.blocks[2].said("as")
    assert (found.spans, found.links, found.anchors) == (
        ["make up"],
        ["other.md#there"],
        {"a-title-with-marks"},
    )


def test_a_console_shows_what_is_printed() -> None:
    (block,) = dedented("""
        ```console
        $ echo one \\
        > two
        one two
        $ true
        ```
        """).blocks
    assert [(step.command, step.printed) for step in steps(block)] == [
        ("echo one \\\ntwo", ["one two"]),
        ("true", []),
    ]


@pytest.mark.parametrize("text", ["<!-- run: frist ls -->", "\n    echo 'without an end\n"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Unclear):
        typed(text)


def typed(text: str) -> None:
    for block in page(text).blocks:
        steps(block)


def test_a_block_in_a_list_begins_where_its_text_begins() -> None:
    (block,) = page("1. First:\n\n       cat one \\\n         two\n").blocks
    assert (block.language, block.lines) == ("sh", ("cat one \\", "  two"))


async def test_a_page_says_how_its_last_command_ends(desk: Desk, request: pytest.FixtureRequest) -> None:
    either = "<!-- run: exit 0 1 -->\n\n    python -c 'exit(1)'\n"
    endless = "<!-- run: for 1 s -->\n\n    python -c 'import time; time.sleep(60)'\n"
    with opened(desk, request.node.name) as shell:
        await Reader(shell).read(page(f"{either}\n{endless}"))


def test_a_block_of_no_known_kind_is_no_language() -> None:
    assert page("\n    what is this\n").blocks[0].language == ""


TYPED = {
    "fails": "\n    export A=1\n    cat no-such-file\n",
    "is not there": "\n    .venv/bin/redress polices list\n",
    "prints something else": "\n    $ echo one\n    two\n",
    "answers something else": '\n    echo \'{"id": 1}\'\n\n    {"number": "RC"}\n',
    "ends well instead of badly": "\n<!-- run: exit 1 -->\n\n    echo fine\n",
    "ends otherwise than in either way": "\n<!-- run: exit 0 1 -->\n\n    python -c 'exit(2)'\n",
    "ends before it is stopped": "\n<!-- run: for 20 s -->\n\n    echo done\n",
    "is refused": "\n    curl -s $REDRESS_INTAKE_URL/v1/complaints\n",
    "is prepared badly": "\n<!-- run: first false -->\n\n    echo fine\n",
    "raises": "\n```python\nimport no_such_module\n```\n",
}


@pytest.mark.parametrize("text", TYPED.values(), ids=TYPED)
async def test_a_page_fails_whose_command(desk: Desk, text: str, request: pytest.FixtureRequest) -> None:
    with opened(desk, request.node.name) as shell, pytest.raises(AssertionError):
        await Reader(shell).read(page(text))


async def test_a_page_has_one_shell_and_words_that_stand_for_others(desk: Desk) -> None:
    text = """
        <!-- run: with WHO=$REDRESS_INTAKE_URL -->
        <!-- run: save kept.txt -->

        ```text
        kept
        ```

        <!-- run: first NOT_EXPORTED=there -->

            export GREETING=WHO
            mkdir -p inner && cd inner

        and then

            $ echo $NOT_EXPORTED $(cat ../kept.txt) WHOLE
            there kept WHOLE

        ```sh
        case $GREETING in http*) ;; *) exit 3;; esac
        ```
        """
    with opened(desk, "one shell") as shell:
        await Reader(shell).read(dedented(text))


@pytest.mark.parametrize(
    ("shown", "found", "fit"),
    [
        ('{"id": "0199...", "possible": [...]}', {"id": "x", "possible": [{"a": 1}], "more": 2}, True),
        ('{"id": "x"}', {"number": "x"}, False),
        ('{"n": 1}', {"n": "1"}, False),
        ('{"n": true}', {"n": 1}, False),
        ('{"n": 1}', {"n": 2.5}, True),
        ('{"list": [{"a": 1}]}', {"list": [{"b": 1}, {"a": 2}]}, True),
        ('{"list": [{"a": 1}]}', {"list": [{"b": 1}]}, False),
        ('{"a": {...}}', {"a": {"b": 1}}, True),
        ('{"a": null}', {"a": 1}, False),
    ],
)
def test_answers_are_alike_by_keys_and_types(shown: str, found: object, fit: bool) -> None:
    (value,) = loose_json(shown)
    assert fits(value, found) is fit


@pytest.mark.parametrize(
    ("shown", "printed", "like"),
    [
        ("one\n...\nfour", "one\ntwo\nthree\nfour\n", True),
        ("took ... s", "took 3.1 s\n", True),
        ("took ... s", "took 3.1 m\n", False),
        ("one", "one\ntwo\n", False),
    ],
)
def test_prints_are_alike_line_by_line(shown: str, printed: str, like: bool) -> None:
    assert alike(shown, printed) is like


def test_names_that_lead_nowhere_are_found() -> None:
    assert options_wrong("redress policies check --activat x") is not None
    assert options_wrong("redress polices") is not None
    assert options_wrong(".venv/bin/redress keys new shop-42 --file FILE") is None
    assert not is_setting("REDRESS_AMPQ_URL")
    assert is_setting("REDRESS_AMQP_URL")
    assert is_setting("REDRESS_NOTIFY_URL")
    assert list(missing_words("redress_smtp_url redress_smpt_url")) == ["redress_smpt_url"]
    assert list(missing_files("passwords.json", "README.md")) == []
    assert list(missing_files("pasword.json", "README.md")) == ["pasword.json"]
    assert [
        *missing_files("shared/clokc.py", "README.md"),
        *missing_files("shared/clock.py", "README.md"),
    ] == ["shared/clokc.py"]
    assert list(missing_modules("shared.clock.nwo, shared.clock.now")) == ["shared.clock.nwo"]
    assert list(missing_words("complaint.graded.v1 complaint.degraded.v1 redress_nothing_total")) == [
        "complaint.degraded.v1",
        "redress_nothing_total",
    ]
    assert elsewhere("make testing") is None
    assert elsewhere("make test ARGS=x") is not None
    assert elsewhere("INTAKE_PORT=1-3 A=b docker compose up") is not None


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("GET /v1/complaints?stage=offered", True),
        ("GET /v1/complaints?stgae=offered", False),
        ("DELETE /v1/complaints", False),
        ("GET .../timeline", True),
        ("GET .../timelines", False),
        ("GET /v1/complaints/{any}/papers/{name}", True),
        ("POST /v1/notices:preview", True),
        ("POST /v1/notices:review", False),
        ("GET /v1/reports/2026-09?format=html", True),
    ],
)
def test_routes_that_nobody_serves_are_found(text: str, there: bool) -> None:
    ((method, path, query),) = written(text)
    assert any(query <= each.query for each in meant(method, path)) is there


SAMPLES = {
    "bad json": '{"a": }',
    "a step without its name": '<!-- run: body POST /v1/complaints/{id}/steps -->\n\n    {"stepp": "accept"}',
    "a setting of another form": '<!-- run: setting REDRESS_GATEWAYS -->\n\n    {"default": {"link": 1}}',
    "a section with a wrong key": "clocks:\n      accept: {statr: received}",
    "a piece of nobody knows what": "something: {else: 1}",
    "a calendar without hours": "calendar: mine\n    version: 1",
    "a route": "GET /v1/complains",
}


@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
def test_samples_that_would_be_refused_are_found(text: str, tmp_path: Path) -> None:
    (block,) = page("\n" + (text if text.startswith("<!--") else "    " + text) + "\n").blocks
    with pytest.raises((Wrong, ValueError)):
        check(block, tmp_path)
