"""Paging: where the page before ended, of lists that go by an instant."""

from datetime import datetime
from uuid import UUID

from shared.http import read_page_token


def after(token: str | None) -> tuple[datetime, UUID] | None:
    """The place behind which a page begins. Raises Invalid."""
    if token is None:
        return None
    at, id = read_page_token(token, dated=True)
    assert at is not None
    return at, id
