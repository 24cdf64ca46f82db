"""The rig that opens pages in a real browser: any page of any service, at any width, in both languages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize, async_playwright, expect

from deploy.local.install import install_browser
from deploy.local.stage import Stage, stage
from shared.events import Language
from tests.kit.servers import servers_for_tests
from tests.pages.play import fill

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}
LOCALES: dict[Language, str] = {"zh-CN": "zh-CN", "en": "en-GB"}
GRAVE = ("serious", "critical")

expect.set_options(timeout=30_000)


@dataclass
class Opened:
    """A page, and whatever it complained of since it was opened."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    async def check(self) -> None:
        """No grave fault, nothing on the console, nothing wider than the page."""
        assert await self.faults() == []
        assert self.errors == []
        assert not await self.page.evaluate("document.documentElement.scrollWidth > innerWidth")

    async def faults(self) -> list[str]:
        """What axe-core finds that keeps people out: each fault with the places where it is."""
        found = await Axe().run(self.page)
        return [
            f"{each['id']} ({each['impact']}): {each['help']}: {[node['html'] for node in each['nodes']]}"
            for each in found.response["violations"]
            if each["impact"] in GRAVE
        ]


@pytest.fixture(scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The whole system, in real time: what a page says of due times is measured by the browser's clock."""
    async with (
        servers_for_tests(tmp_path_factory.mktemp("pages")) as found,
        stage(found, tmp_path_factory.mktemp("pages-services")) as set_up,
    ):
        yield set_up


@pytest.fixture(scope="session")
async def filled(house: Stage) -> Stage:
    """The same with complaints in it."""
    await fill(house)
    return house


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium; a machine without it gets it, or the reason why not."""
    program = install_browser()
    async with async_playwright() as started:
        found = await started.chromium.launch(executable_path=program, args=QUIET)
        yield found
        await found.close()


@asynccontextmanager
async def opened(
    browser: Browser, url: str, *, width: str = "desktop", language: Language = "en", **more: Any
) -> AsyncIterator[Opened]:
    """A page in a browser that nobody else uses."""
    locale = LOCALES.get(language, language)
    context = await browser.new_context(
        viewport=WIDTHS[width], locale=locale, timezone_id="Asia/Shanghai", **more
    )
    try:
        found = Opened(await context.new_page())
        await found.page.goto(url)
        yield found
    finally:
        await context.unroute_all(behavior="ignoreErrors")
        await context.close()


async def sign_in(page: Page, key: str) -> None:
    """Through the form, as a person does."""
    await page.fill("#credential", key)
    await page.click("button.main")
    await page.wait_for_selector("#live[data-state=live]")
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)


@asynccontextmanager
async def board(browser: Browser, house: Stage, **more: Any) -> AsyncIterator[Opened]:
    """The board of somebody who has signed in."""
    url = house.system.url("intake")
    async with opened(browser, "about:blank", **more) as found:
        await found.page.goto(f"{url}/board")
        await sign_in(found.page, house.system.key)
        yield found
