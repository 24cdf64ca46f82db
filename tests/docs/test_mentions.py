"""What the docs name is there: pages, headings, files, modules, settings, commands, routes, events."""

import re
from pathlib import Path

import pytest

from tests.docs.mentions import is_setting, missing_files, missing_modules, missing_words, options_wrong
from tests.docs.operations import meant, written
from tests.docs.reading import LANGUAGES, ROOT, SHELL, Block, Page, pages, read, steps
from tests.docs.samples import check

PAGES = pages()
BY_PATH = {page.path: page for page in PAGES}
BLOCKS = [block for page in PAGES for block in page.blocks]


def each(page: Page) -> str:
    return page.path


@pytest.mark.parametrize("page", PAGES, ids=each)
def test_its_links_lead_somewhere(page: Page) -> None:
    for link in page.links:
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        file = (ROOT / page.path).parent / target if target else ROOT / page.path
        assert file.exists(), f"{page.path}: {link}"
        if anchor:
            there = read(link, file.read_text(encoding="utf-8"))
            assert anchor in there.anchors, f"{page.path}: {link}; there are {sorted(there.anchors)}"


@pytest.mark.parametrize("page", PAGES, ids=each)
def test_what_it_names_is_there(page: Page) -> None:
    for span in page.spans:
        found = [*missing_files(span, page.path), *missing_modules(span), *missing_words(span)]
        assert not found, f"{page.path}: `{span}`: there is no {found}"


@pytest.mark.parametrize("page", PAGES, ids=each)
def test_its_settings_exist(page: Page) -> None:
    for name in re.findall(r"\bREDRESS_[A-Z_]*[A-Z]\b", page.text):
        assert is_setting(name), f"{page.path}: nobody reads {name}"


@pytest.mark.parametrize("page", PAGES, ids=each)
def test_its_commands_have_these_names_and_options(page: Page) -> None:
    typed = [step.command for block in page.blocks if block.language in SHELL for step in steps(block)]
    for command in [*page.spans, *typed]:
        if re.match(r"(\$ )?(\.venv/bin/)?redress |[^#]*\.venv/bin/redress ", command):
            assert options_wrong(command) is None, f"{page.path}: {command}: {options_wrong(command)}"


@pytest.mark.parametrize("page", PAGES, ids=each)
def test_its_routes_exist_and_take_these_parameters(page: Page) -> None:
    for span in page.spans:
        for method, path, query in written(span):
            found = [one for one in meant(method, path) if query <= one.query]
            known = [(one.service, one.path, sorted(one.query)) for one in meant(method, path)]
            assert found, f"{page.path}: there is no {method} {path} with {sorted(query)}; there is {known}"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_every_block_is_of_a_kind(block: Block) -> None:
    assert block.language in LANGUAGES, f"{block.place}: what is this? See tests/docs/__init__.py"


@pytest.mark.parametrize(
    "block", [one for one in BLOCKS if one.language in ("json", "yaml", "http")], ids=lambda one: one.place
)
def test_a_sample_is_what_it_says(block: Block, tmp_path: Path) -> None:
    check(block, tmp_path)
