"""Conditions that a request brings along: a key under which it counts once, the version that was read.

Source: RFC 9110, 13.1.1 (If-Match); draft-ietf-httpapi-idempotency-key-header (Idempotency-Key).
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header

from shared.problems import Fault, Malformed

_KEY = re.compile(r"[!-~]{1,255}")


async def idempotency_key(
    given: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Yours for this request; sent again with the same, nothing is done twice",
            json_schema_extra={"pattern": f"^{_KEY.pattern}$"},
        ),
    ] = None,
) -> str | None:
    """The caller's key for this request. Raises Malformed unless it is 1-255 visible ASCII characters."""
    if given is not None and not _KEY.fullmatch(given):
        fault = Fault(detail="use 1 to 255 visible ASCII characters", pointer="#/Idempotency-Key")
        raise Malformed("The header Idempotency-Key is malformed", [fault])
    return given


Key = Annotated[str | None, Depends(idempotency_key)]


def version_of(what: str, suffix: str = "") -> Callable[..., Awaitable[int | None]]:
    """The dependency that tells which version of something the caller has read, by the ETag it came with.

    `suffix` is the pattern of what an ETag may have behind its number. Raises Malformed for anything else.
    """
    etag = re.compile(rf'"([0-9]{{1,9}}){suffix}"')

    async def read_version(
        given: Annotated[
            str | None,
            Header(
                alias="If-Match",
                description=f"The ETag of the {what} as you read it",
                json_schema_extra={"pattern": rf'^("[0-9]{{1,9}}{suffix}"|\*)$'},
            ),
        ] = None,
    ) -> int | None:
        if given is None or given.strip() == "*":
            return None
        found = etag.fullmatch(given.strip())
        if found is None:
            told = f"give the ETag of the {what} as you read it, with its quotes"
            raise Malformed("The header If-Match is malformed", [Fault(detail=told, pointer="#/If-Match")])
        return int(found[1])

    return read_version
