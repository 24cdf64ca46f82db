"""Samples: words as they might be, for looking at a text before anybody is sent it."""

from datetime import UTC, datetime
from decimal import Decimal

from services.notify.channels.spoken import Given, deadline, departments, instant, money
from shared.events import Language
from shared.policy import NoticeKind, Pack, words_for
from shared.settings import settings

NUMBER = "RC-7K3M9QX2AB"
CAME = datetime(2026, 9, 17, 1, 59, tzinfo=UTC)
DUE = datetime(2026, 9, 18, 9, 59, tzinfo=UTC)
SAID: dict[Language, Given] = {
    "en": {
        "name": "Ann Example",
        "question": "Please send us a photo of the type plate on the back of the kettle.",
        "offer": "We send you a new kettle, and pay the postage for the broken one.",
        "reply": "We have replaced your kettle. The new one left our house today.",
        "cause": "A seal was fitted the wrong way round.",
        "measure": "Replace the seal",
    },
    "zh-CN": {
        "name": "李雷",
        "question": "请提供水壶背面铭牌的照片。",
        "offer": "为您更换一台新水壶，并承担寄回旧水壶的运费。",
        "reply": "已为您更换水壶，新水壶今天寄出。",
        "cause": "密封圈装反",
        "measure": "更换密封圈",
    },
    "zh-TW": {
        "name": "林怡君",
        "question": "請提供水壺背面銘牌的照片。",
        "offer": "為您更換一台新水壺，並負擔寄回舊水壺的運費。",
        "reply": "已為您更換水壺，新水壺今天寄出。",
        "cause": "密封圈裝反",
        "measure": "更換密封圈",
    },
}


def sample(kind: NoticeKind, pack: Pack, language: Language) -> Given:
    """Every word of a kind, as it might be with this pack."""
    known = _of_matter(pack, language) | _of_house(pack, language) | SAID[language]
    return {name: known[name] for name in words_for(kind)}


def _of_matter(pack: Pack, language: Language) -> Given:
    class_ = pack.classes[pack.fallback_class]
    clock = next(iter(pack.clocks.values()), None)
    gate = next(iter(pack.safety), None)
    return {
        "number": NUMBER,
        "title": pack.title[language],
        "cycle": 1,
        "received_at": instant(CAME, pack, language),
        "class": class_.title[language],
        "grade": next(iter(pack.grades.values())).title[language],
        "departments": departments(class_.departments, pack, language),
        "due": deadline(DUE, pack, language),
        "expires": deadline(DUE, pack, language),
        "clock": clock.title[language] if clock else "-",
        "gate": gate.title[language] if gate else "-",
        "cost": money(Decimal(1280), pack.money.currency, language),
        "rung": 1,
        "score": 3,
    }


def _of_house(pack: Pack, language: Language) -> Given:
    role = next(iter(pack.roles.values()), None)
    paper = next(iter(pack.papers.values()), None)
    page = settings().receipt_url.rstrip("/")
    return {
        "recipient": (role or next(iter(pack.departments.values()))).title[language],
        "paper": paper.title[language] if paper else None,
        "paper_url": f"{page}/v1/complaints/example/papers/example" if paper else None,
        "receipt_url": f"{page}/receipts/{NUMBER}",
        "link": f"{settings().survey_url.rstrip('/')}/s/example",
    }
