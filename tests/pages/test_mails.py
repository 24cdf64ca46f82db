"""The mails that people open: at both widths, by day and by night, in every language; nothing is fetched."""

import os
from pathlib import Path
from typing import get_args

import pytest
from playwright.async_api import Browser, Request

from services.notify.channels.samples import sample
from services.notify.channels.wording import page, worded
from shared.events import Language
from shared.policy import NoticeKind, load
from tests.pages.conftest import WIDTHS, Opened

KINDS: tuple[NoticeKind, ...] = ("acknowledgement", "offer", "survey", "corrective_action")
SHOTS = os.environ.get("REDRESS_SHOTS")
"""A folder for pictures, where somebody wants to look at them."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("kind", KINDS)
async def test_a_mail_keeps_nobody_out_and_fetches_nothing(
    browser: Browser, kind: NoticeKind, language: Language, width: str, scheme: str
) -> None:
    pack = load("base", 1)
    context = await browser.new_context(
        viewport=WIDTHS[width],
        color_scheme="dark" if scheme == "dark" else "light",
    )
    fetched: list[str] = []

    def on_request(request: Request) -> None:
        fetched.append(request.url)

    opened = Opened(await context.new_page())
    opened.page.on("request", on_request)
    await opened.page.set_content(page(worded(pack, kind, language, sample(kind, pack, language))))
    assert await opened.page.get_attribute("html", "lang") == language
    assert await opened.page.locator("h1").count() == 1
    button = await opened.page.locator("a.button").bounding_box()
    assert button is not None
    assert button["height"] >= 44, "a finger finds it"
    await opened.check()
    if SHOTS:
        path = Path(SHOTS) / f"mail-{kind}-{language}-{WIDTHS[width]['width']}-{scheme}.png"
        await opened.page.screenshot(path=path, full_page=True)
    await context.close()
    assert fetched == []
