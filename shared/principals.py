"""Who may what: a caller behind an API key or a member of staff behind a token, with roles and departments.

Roles are the words of policy packs, besides `partner` (hands complaints in and sees its own), `subscriber`
(reads the public events, of all partners) and `data_protection` (exports and erases the data of people, and
reads who has read them). A partner may be a subscriber besides, and nothing else.
A member of staff is called `staff:<sub>` after the token's subject, which the issuer gives to nobody else,
ever (OpenID Connect Core 1.0, section 2); no caller with an API key has a colon in its name.
"""

import hashlib
import hmac
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from shared import clock
from shared.oidc import REFUSED, Issuer
from shared.problems import Forbidden, WrongCredentials
from shared.settings import PARTNER, SUBSCRIBER, Settings, plain, settings

DATA_PROTECTION = "data_protection"
NAME_LENGTH = 90
_WORDS: TypeAdapter[frozenset[str]] = TypeAdapter(frozenset[str])


class Principal(BaseModel):
    """Somebody whose credentials were right."""

    model_config = ConfigDict(frozen=True)

    name: str
    roles: frozenset[str]
    departments: frozenset[str] = frozenset()

    @property
    def is_partner(self) -> bool:
        """A partner, whatever else it is: it sees its own complaints only."""
        return PARTNER in self.roles

    @property
    def is_subscriber(self) -> bool:
        """A team that reads events and nothing else: it sees no complaint."""
        return self.roles == {SUBSCRIBER}

    def holds(self, *roles: str) -> bool:
        """Whether any of these roles is theirs."""
        return not self.roles.isdisjoint(roles)


class Gatekeeper:
    """Tells from credentials who somebody is."""

    def __init__(self, known: Settings) -> None:
        self._keys: list[tuple[str, datetime | None, Principal]] = [
            (key.digest, key.until, Principal(name=name, roles=each.roles, departments=each.departments))
            for name, each in known.api_keys.items()
            for key in each.keys
        ]
        self._issuer = Issuer(known.oidc_issuer, known.oidc_audience) if known.oidc_issuer else None
        self._roles, self._departments = known.oidc_roles_claim, known.oidc_departments_claim

    async def admit(self, credentials: str) -> Principal:
        """Raises WrongCredentials, Forbidden for staff without a role, Unavailable if the issuer is away."""
        given = hashlib.sha256(credentials.encode()).hexdigest()
        found = [key for key in self._keys if hmac.compare_digest(key[0], given)]
        for _, until, who in found:
            if until is None or clock.now() < until:
                return who
        if self._issuer is None or found:
            raise WrongCredentials(REFUSED)
        return self._staff(await self._issuer.claims(credentials))

    def _staff(self, claims: dict[str, Any]) -> Principal:
        """A member of staff: never a partner, whatever the token says."""
        try:
            name = f"staff:{_name_of(claims.get('sub'))}"
            roles = _WORDS.validate_python(claims.get(self._roles, [])) - {PARTNER}
            departments = _WORDS.validate_python(claims.get(self._departments, []))
        except ValueError:
            raise WrongCredentials(REFUSED) from None
        if not roles:
            raise Forbidden("Your token gives you no role here; ask for one")
        return Principal(name=name, roles=roles, departments=departments)


def _name_of(subject: object) -> str:
    """A subject as it is written everywhere, no two alike; the bar parts callers from their own keys.

    Raises ValueError for one that is no plain name.
    """
    if not isinstance(subject, str):
        raise ValueError("a subject is a text")
    name = plain(subject).replace("%", "%25").replace("|", "%7C")
    if len(name) > NAME_LENGTH:
        raise ValueError("too long a subject")
    return name


@cache
def gatekeeper() -> Gatekeeper:
    """The one of this process."""
    return Gatekeeper(settings())
