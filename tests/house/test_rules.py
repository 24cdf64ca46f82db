"""Each house rule is seen to fail on a bad snippet and to let a good one pass; the tree keeps them all."""

import pytest

from tests.house import rules

DOOR = "services/intake/api.py"
PLAIN = "shared/plain.py"
LONG_BODY = "    x = 1\n" * 40
LONG_FILE = "x = 1\n" * 300
MIRROR, HOME = "https://pypi" + ".org/simple", "/ro" + "ot/.cache"

BAD = [
    ("docstring", PLAIN, "x = 1\n"),
    ("docstring", PLAIN, '"""Says one thing. And another."""\n'),
    ("docstring", PLAIN, '"""No full stop"""\n'),
    ("docstring", PLAIN, '"""\nBegins on the second line.\n"""\n'),
    ("no-try", DOOR, "try:\n    x = 1\nexcept ValueError:\n    pass\n"),
    ("no-try", "services/sla/ticker.py", "try:\n    x = 1\nfinally:\n    pass\n"),
    ("no-try", "services/sla/listeners/late.py", "try:\n    x = 1\nexcept* ValueError:\n    pass\n"),
    ("no-try", DOOR, "from contextlib import suppress as hush\nwith hush(ValueError):\n    x = 1\n"),
    ("short-function", PLAIN, f"def f() -> None:\n{LONG_BODY}"),
    ("short-function", PLAIN, f"class A:\n  async def f() -> None:\n{LONG_BODY}"),
    ("short-file", PLAIN, LONG_FILE + "x = 1\n"),
    ("one-clock", PLAIN, "from datetime import datetime\nx = datetime.now()\n"),
    ("one-clock", PLAIN, "from datetime import datetime as dt\nx = dt.utcnow\n"),
    ("one-clock", PLAIN, "import datetime\nx = datetime.date.today()\n"),
    ("one-clock", PLAIN, "import time as t\nx = t.time()\n"),
    ("one-clock", PLAIN, "from time import time\nx = time()\n"),
    ("no-print", DOOR, "print('here')\n"),
    ("telling-names", "shared/utils.py", ""),
    ("telling-names", "services/intake/helpers/dates.py", ""),
    ("telling-names", PLAIN, "class ComplaintManager: ...\n"),
    ("telling-names", PLAIN, "class Data: ...\n"),
    ("event-types", "shared/events.py", "class A:\n    type: ClassVar[str] = 'complaint.registered'\n"),
    ("event-types", "shared/events.py", "class A:\n    type: ClassVar[str] = 'Complaint.registered.v1'\n"),
    ("event-types", "shared/events.py", "class A:\n    type: ClassVar[str] = 'complaint.register.v1'\n"),
    ("few-comments", PLAIN, "# why\nx = 1\n" * 8),
    ("few-comments", PLAIN, "# why\n" * 8 + "x = 1\n" * 100),
    ("no-registry", "deploy/Dockerfile", f"RUN pip install --index-url {MIRROR} x\n"),
    ("no-machine-path", "docs/how.md", f"Look into {HOME}.\n"),
]
GOOD = [
    ("docstring", PLAIN, '"""Says, e.g. v1.0, one thing: this.\n\nAnd more. Much more.\n"""\n'),
    ("docstring", PLAIN, ""),
    ("no-try", "services/intake/store.py", "try:\n    x = 1\nexcept ValueError:\n    pass\n"),
    ("short-function", PLAIN, f'def f() -> None:\n    """Said\n    at length."""\n{LONG_BODY[10:]}'),
    ("short-file", PLAIN, '"""Said\nat length.\n"""\n' + LONG_FILE),
    ("one-clock", "shared/clock.py", "from datetime import datetime\nx = datetime.now()\n"),
    ("one-clock", PLAIN, "from time import monotonic, perf_counter, time_ns\nx = time_ns() + monotonic()\n"),
    ("one-clock", PLAIN, "from datetime import time\nfrom shared import clock\nx = clock.now(), time.min\n"),
    ("no-print", "deploy/local/play.py", "print('here')\n"),
    ("telling-names", PLAIN, "class Database: ...\nclass Informed: ...\n"),
    ("event-types", "shared/events.py", "class A:\n    type: ClassVar[str] = 'complaint.fed_back.v12'\n"),
    ("few-comments", PLAIN, "# why\n" + "x = 1\n"),
    ("few-comments", PLAIN, "# why\n" * 7 + "x = 1  # type: ignore\n" * 100),
    ("no-registry", "deploy/Dockerfile", "RUN pip install x\n"),
    ("no-machine-path", "docs/how.md", "See https://example.org/work/x, deploy/work/ and ~/work/.\n"),
]


def found(rule: str, path: str, text: str) -> list[tuple[int, str]]:
    return list(rules.RULES[rule](rules.Source(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_a_rule_sees_what_breaks_it(rule: str, path: str, text: str) -> None:
    assert found(rule, path, text)


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_a_rule_lets_pass_what_keeps_it(rule: str, path: str, text: str) -> None:
    assert found(rule, path, text) == []


def test_every_rule_has_been_seen_to_fail_and_to_pass() -> None:
    assert {rule for rule, *_ in BAD} == set(rules.RULES)
    assert {rule for rule, *_ in GOOD} == set(rules.RULES)


@pytest.mark.parametrize(("rule", "path"), list(rules.EXCEPTIONS))
def test_an_exception_is_still_needed(rule: str, path: str) -> None:
    assert found(rule, path, (rules.ROOT / path).read_text("utf-8")), "strike it from EXCEPTIONS"


def test_an_exception_covers_one_rule_in_one_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "EXCEPTIONS", {("no-try", "services/survey/api.py"): "for this test"})
    text = '"""One door."""\n\ntry:\n    print()\nfinally:\n    pass\n'
    told = [list(rules.broken(rules.Source(f"services/{name}/api.py", text))) for name in ("survey", "sla")]
    assert told == [
        ["services/survey/api.py:4: [no-print] print"],
        [
            "services/sla/api.py:3: [no-try] a door catches an exception",
            "services/sla/api.py:4: [no-print] print",
        ],
    ]


def test_the_command_prints_what_is_broken_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert rules.main([rules.Source("shared/a.py", "x = 1\n"), rules.Source("docs/a.md", HOME)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "shared/a.py:1: [docstring] no module docstring",
        f"docs/a.md:1: [no-machine-path] a path of one machine: {HOME[:6]}",
    ]
    assert rules.main([rules.Source("shared/a.py", '"""One thing."""\n')]) == 0
    assert capsys.readouterr().out == ""


def test_the_tree_is_read_and_keeps_every_rule() -> None:
    tree = list(rules.sources())
    assert {"shared/clock.py", "Makefile", "tests/house/rules.py"} <= {source.path for source in tree}
    assert [line for source in tree for line in rules.broken(source)] == []
