"""Signing in as a browser does, without a page."""

from fastapi import Request

from shared.http import sessions


async def signing_in(credentials: str, base: str = "http://service") -> str:
    """The header Set-Cookie that a browser gets at this origin."""
    scope = {"type": "http", "scheme": base.partition(":")[0], "method": "POST", "path": "/", "headers": []}
    return sessions.begun(Request(scope | {"server": ("service", 80), "query_string": b""}), credentials)
