"""Every page that people open, at both widths and in both languages: nobody is kept out, nothing breaks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser

from deploy.local.stage import Stage
from shared.clock import machine_now
from shared.events import Language
from tests.pages.conftest import LOCALES, WIDTHS, board, opened
from tests.pages.play import Caller, survey_links

Address = Callable[[Stage, Language], Awaitable[str]]


@dataclass(frozen=True)
class Look:
    """A page: where it is, what shows that it is there, and whether it is for those who signed in."""

    name: str
    address: Address
    there: str = "h1"
    signs_in: bool = False


def at(service: str, path: str) -> Address:
    """A page that is the same for everybody."""

    async def address(house: Stage, language: Language) -> str:
        return house.system.url(service) + path

    return address


async def survey(house: Stage, language: Language) -> str:
    return (await survey_links(house))[language]


async def receipt(house: Stage, language: Language) -> str:
    """The page that a customer was told of."""
    async with house.system.client() as client:
        made = await Caller(house, client).handed_in(language=language)
    return str(made["receipt_url"])


async def one(house: Stage, language: Language) -> str:
    async with house.system.client() as client:
        made = await Caller(house, client).handed_in()
    asked = f"conformance?format=html&language={language}"
    return f"{house.system.url('intake')}/v1/complaints/{made['id']}/{asked}"


async def report(house: Stage, language: Language) -> str:
    month = f"{machine_now():%Y-%m}"
    return f"{house.system.url('intake')}/v1/reports/{month}?format=html&language={language}"


async def conformance(house: Stage, language: Language) -> str:
    month = f"{machine_now():%Y-%m}-01T00:00:00Z"
    return f"{house.system.url('intake')}/v1/conformance?from={month}&format=html&language={language}"


PAGES = [
    Look("sign-in", at("intake", "/board")),
    Look("survey", survey, "fieldset"),
    Look("overdue", at("intake", "/board#overdue=true&sort=due"), "th[aria-sort=ascending]", signs_in=True),
    Look("events", at("intake", "/events"), "article"),
    Look("receipt form", at("intake", "/receipts"), "form"),
    Look("receipt", receipt, "[aria-current]"),
    Look("monthly report", report, "table", signs_in=True),
    Look("conformance of a month", conformance, "table", signs_in=True),
    Look("conformance of one", one, signs_in=True),
]


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("look", PAGES, ids=lambda look: look.name)
async def test_a_page_keeps_nobody_out(
    browser: Browser, filled: Stage, look: Look, width: str, language: Language
) -> None:
    address = await look.address(filled, language)
    seen: dict[str, Any] = {"width": width, "language": language}
    shown = board(browser, filled, **seen) if look.signs_in else opened(browser, "about:blank", **seen)
    async with shown as found:
        await found.page.goto(address)
        await found.page.wait_for_selector(look.there)
        assert await found.page.get_attribute("html", "lang") == language
        await found.check()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize("width", WIDTHS)
async def test_the_board_keeps_nobody_out(
    browser: Browser, filled: Stage, width: str, language: Language, scheme: str
) -> None:
    async with board(browser, filled, width=width, language=language, color_scheme=scheme) as found:
        await found.page.wait_for_selector("table.ledger")
        assert await found.page.get_attribute("html", "lang") == language
        assert await found.page.locator(".failed").count() == 0
        await found.page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
        await found.check()
        await found.page.click("table.ledger tbody a")
        await found.page.wait_for_selector("#detail[open] .timeline")
        await found.check()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
async def test_the_list_of_events_keeps_nobody_out_with_its_examples_open(
    browser: Browser, filled: Stage, width: str, scheme: str
) -> None:
    address = filled.system.url("intake") + "/events"
    async with opened(browser, address, width=width, color_scheme=scheme) as found:
        for summary in (await found.page.query_selector_all("summary"))[:5]:
            await summary.click()
        await found.page.click('a[href="#trend.signalled.v1"]')
        assert await found.page.locator("article:target h2").inner_text() == "trend.signalled.v1"
        await found.check()
