"""sla's calendars over HTTP: publish a version."""

from typing import Any
from urllib.parse import quote

from deploy.remote import Server


class Sla(Server):
    """sla's calendars, for the caller with this key."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__("sla", url, "/v1/calendars", key)

    def publish(self, calendar: str, version: int, text: str) -> Any:
        return self.send("PUT", f"{quote(calendar, safe='')}/versions/{version}", content=text.encode())
