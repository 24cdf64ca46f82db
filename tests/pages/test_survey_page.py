"""The survey page as customers meet it: on a phone and a desk, in three languages, with JavaScript off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args

import pytest
import uvicorn
from playwright.async_api import Browser, Page, expect

from deploy.local.ports import free_ports
from services.survey.app import app
from services.survey.store import surveys
from shared import clock
from shared.events import ComplaintFedBack, ComplaintReopened, Language
from tests.kit.servers import AnyServers
from tests.pages.conftest import WIDTHS, Opened, opened
from tests.survey.house import House, house
from tests.survey.kit import piloted

FED_BACK = ComplaintFedBack(cycle=1)
RULE: dict[str, Any] = {
    "consent": True,
    "comment_below": 6,
    "questions": {
        "settled": {
            "title": {
                "zh-CN": "问题是否已解决？",
                "zh-TW": "問題是否已解決？",
                "en": "Is the matter settled?",
            },
            "type": "yes_no",
            "required": True,
        },
        "speed": {"title": {"zh-CN": "处理速度", "en": "How fast we were"}, "type": "score"},
        "way": {
            "title": {"zh-CN": "处理方式", "en": "What was done?"},
            "type": "choice",
            "options": {
                "repaired": {"zh-CN": "维修", "en": "It was repaired"},
                "replaced": {"zh-CN": "更换", "en": "It was replaced"},
            },
        },
        "wish": {
            "title": {"zh-CN": "我们还可以改进什么？", "en": "What could we do better?"},
            "type": "text",
        },
    },
}
FOCUSED = "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
SMALL = """() => [...document.querySelectorAll('a, button, label.pick, label.tick, textarea')]
  .map((each) => [each.outerHTML.slice(0, 60), each.getBoundingClientRect()])
  .filter(([_, box]) => box.height < 44 || box.width < 44)
  .map(([what, box]) => `${what} ${box.width}x${box.height}`)"""


@dataclass
class Desk:
    """Survey's doors, and where a browser finds them."""

    house: House
    url: str

    async def link(self, **given: Any) -> str:
        """The page of an open survey."""
        _, address = await self.house.opened(FED_BACK, at=clock.now(), **given)
        return self.url + address


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The service's pages on a port of this machine."""
    port = free_ports("survey")["survey"]
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def desk(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    async with house(servers, monkeypatch) as doors, served() as url:
        with piloted(**RULE) as pack:
            found = Desk(doors, url)
            monkeypatch.setattr(found, "link", lambda **given: Desk.link(found, **(pack | given)))
            yield found


@asynccontextmanager
async def without_script(browser: Browser, url: str, **more: Any) -> AsyncIterator[Opened]:
    """The page with JavaScript off; what keeps people out is looked for by `opened` with it on."""
    async with opened(browser, url, java_script_enabled=False, **more) as found:
        yield found


async def choose(page: Page, name: str, value: str) -> None:
    await page.locator(f"label.pick:has(input[name='{name}'][value='{value}'])").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("width", WIDTHS)
async def test_the_form_keeps_nobody_out(
    browser: Browser, desk: Desk, width: str, language: Language, scheme: str
) -> None:
    url = await desk.link(language=language)
    async with opened(browser, url, width=width, color_scheme=scheme) as found:
        page = found.page
        assert await page.get_attribute("html", "lang") == language
        await found.check()
        assert await page.evaluate(SMALL) == []
        await choose(page, "score", "4")
        await page.click("button.main")
        await expect(page.locator(".summary li")).to_have_count(3)
        assert await page.evaluate(FOCUSED) == "summary"
        found.errors = [each for each in found.errors if "422" not in each]
        await found.check()
        assert await page.evaluate(SMALL) == []


@pytest.mark.parametrize("width", WIDTHS)
async def test_from_mistakes_to_thanks_without_javascript(browser: Browser, desk: Desk, width: str) -> None:
    url = await desk.link()
    async with without_script(browser, url, width=width) as found:
        page = found.page
        await choose(page, "score", "3")
        await choose(page, "answers/way", "replaced")
        await page.fill("#question-wish", "A heron.")
        await page.click("button.main")
        for target in ("question-settled", "comment", "consent"):
            await page.click(f".summary a[href='#{target}']")
            await expect(page.locator(f"#{target}")).to_be_focused()
        assert await page.is_checked("input[name=score][value='3']")
        assert await page.is_checked("input[name='answers/way'][value=replaced]")
        assert await page.input_value("#question-wish") == "A heron."
        await choose(page, "answers/settled", "no")
        await page.fill("#comment", "It took weeks.")
        await page.locator("label.tick").click()
        await page.click("button.main")
        await expect(page.locator("h1")).to_have_text("Thank you for your answer")
        await page.goto(url)
        await expect(page.locator("h1")).to_have_text("You have answered already")
        assert "weeks" not in await page.content()


async def test_by_keyboard_alone(browser: Browser, desk: Desk) -> None:
    async with opened(browser, await desk.link()) as found:
        page, keys = found.page, found.page.keyboard
        for _ in range(3):
            await keys.press("Tab")
        assert await page.evaluate("document.activeElement.name") == "score"
        for _ in range(9):
            await keys.press("ArrowRight")
        assert await page.input_value("input[name=score]:checked") == "9"
        names = []
        while (name := await page.evaluate("document.activeElement.name || ''")) != "decline":
            await keys.press("Tab")
            names.append(name or "send")
        fields = [f"answers/{name}" for name in ("settled", "speed", "way", "wish")]
        assert names == ["score", *fields, "comment", "consent", "send"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", get_args(Language))
async def test_what_is_over_keeps_nobody_out_either(
    browser: Browser, desk: Desk, width: str, language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    declined, expired = await desk.link(language=language), await desk.link(language=language)
    async with opened(browser, declined, width=width) as found:
        await found.page.click("button.plain")
        told = await found.page.inner_text("h1")
        await found.check()
        await found.page.goto(declined)
        assert await found.page.inner_text("h1") == told
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=15))
    for url, status in ((expired, "410"), (f"{desk.url}/s/v1.x.y.z?language={language}", "404")):
        async with opened(browser, url, width=width) as found:
            assert await found.page.get_attribute("html", "lang") == language
            assert await found.page.locator("form").count() == 0
            found.errors = [each for each in found.errors if status not in each]
            await found.check()


async def test_another_language_by_a_link_and_kept_when_sent(browser: Browser, desk: Desk) -> None:
    async with without_script(browser, await desk.link(language="en"), width="phone") as found:
        page = found.page
        await page.click("nav a[lang='zh-TW']")
        await expect(page.locator("h1")).to_contain_text("您對我們處理投訴的方式滿意嗎")
        await page.click("button.main")
        await expect(page.locator(".summary h2")).to_have_text("還有內容需要補充")


async def test_two_windows(browser: Browser, desk: Desk) -> None:
    url = await desk.link(pack="base")
    async with without_script(browser, url) as one, without_script(browser, url) as other:
        for score, window in ((2, one), (9, other)):
            await choose(window.page, "score", str(score))
        await one.page.click("button.main")
        await other.page.click("button.main")
        await expect(one.page.locator("h1")).to_have_text("Thank you for your answer")
        await expect(other.page.locator("h1")).to_have_text("You have answered already")


async def test_a_survey_of_a_round_that_is_over(browser: Browser, desk: Desk) -> None:
    id, address = await desk.house.opened(FED_BACK, at=clock.now())
    await desk.house.hears(id, ComplaintReopened(cycle=2))
    async with without_script(browser, desk.url + address) as found:
        await expect(found.page.locator("h1")).to_have_text("This survey is no longer open")
    kept = (await surveys.get(id)).state  # type: ignore[union-attr]
    assert kept is not None
    assert kept.surveys[0].state == "closed"
