"""Killed while it sends: every notice arrives, and what comes twice is what was in hand.

The full size is `make bench-mails`.
"""

from pathlib import Path

from bench import mails
from deploy.local.servers import Servers
from services.notify.ticker.lanes import UNRECORDED


async def test_no_mail_is_missing_after_kills(breakable: Servers, tmp_path: Path) -> None:
    done = await mails.send(breakable, tmp_path / "system", 120, 2, 1)
    assert done.missing == set()
    assert done.said == {"sent": 120}
    assert done.kills == 2
    assert done.repeated <= 2 * UNRECORDED
    assert max(done.arrivals.values()) <= 1 + done.kills
