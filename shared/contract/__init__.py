"""The contract with subscribing teams: schemas, examples, the AsyncAPI document, and what was released.

Made of `shared.events`, the published language. A module for each: `meanings` and `attributes` are words,
`schemas` and `asyncapi` what teams read, `differences` and `releases` what keeps promises, `listing` what the
page of events shows.
"""

from shared.contract.asyncapi import EXCHANGE, OWNERS, asyncapi, version
from shared.contract.listing import Field, Listed, listing
from shared.contract.releases import Release, breaking, current, examples, released, written
from shared.contract.schemas import schemas

__all__ = [
    "EXCHANGE",
    "OWNERS",
    "Field",
    "Listed",
    "Release",
    "asyncapi",
    "breaking",
    "current",
    "examples",
    "listing",
    "released",
    "schemas",
    "version",
    "written",
]
