"""Calling others over HTTP: what goes wrong and httpx has no name for."""

RESET = AttributeError
"""What httpx and httpcore let through when a peer resets a connection as it is made.

uvloop keeps no socket of such a connection, and anyio asks that for its peer (anyio 4.16, httpcore 1.0.9).
"""
