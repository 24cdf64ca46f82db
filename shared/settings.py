"""Settings: everything an operator can set, read once from the environment or from secret files.

A name such as `REDRESS_AMQP_URL` may also be a file `redress_amqp_url` in the folder that `REDRESS_SECRETS`
names (default `/run/secrets`), so that no password need stand in an environment.
"""

import os
import unicodedata
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

_SECRETS = Path(os.environ.get("REDRESS_SECRETS", "/run/secrets"))


PARTNER, SUBSCRIBER = "partner", "subscriber"


class ApiKey(BaseModel):
    """One key, by the SHA-256 of its text; good `until` then (business time), or for good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    until: AwareDatetime | None = None


class ApiKeys(BaseModel):
    """A caller: its keys, any of which will do, and what it may do with them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[ApiKey, ...]
    roles: frozenset[str] = Field(frozenset({PARTNER}), min_length=1)
    departments: frozenset[str] = frozenset()

    @field_validator("roles")
    @classmethod
    def _apart(cls, roles: frozenset[str]) -> frozenset[str]:
        """A partner would handle its own complaints, or be shown everybody's."""
        if PARTNER in roles and not roles <= {PARTNER, SUBSCRIBER}:
            raise ValueError(f"{PARTNER} goes with {SUBSCRIBER} only, with no role of staff")
        return roles


def plain(name: str) -> str:
    """The name itself. Raises ValueError for one that may look like another, or breaks a line.

    That is: not in Unicode's form NFC, blank at an end, or with characters that are not seen (controls, and
    those that turn the direction of writing).
    """
    if not name or name != unicodedata.normalize("NFC", name).strip() or not name.isprintable():
        raise ValueError("give a name in Unicode's form NFC, of characters that are seen")
    return name


CallerName = Annotated[str, StringConstraints(pattern=r"^[^\s:|]{1,100}$"), AfterValidator(plain)]
"""Without a colon, so that no caller has the name of a member of staff (`staff:1f2e`)."""


class Gateway(BaseModel):
    """Who passes messages on, and in which form it wants them; `secret` signs where the form has signatures.

    The name `default` stands for every channel of customers that has no gateway of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Literal["plain", "wecom", "dingtalk", "feishu"] = "plain"
    url: SecretStr
    secret: SecretStr | None = None


class Settings(BaseSettings):
    """What one service process is told from outside."""

    model_config = SettingsConfigDict(
        env_prefix="REDRESS_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        secrets_dir=_SECRETS if _SECRETS.is_dir() else None,
    )

    amqp_url: SecretStr = Field(description="Broker, with this service's own user and a heartbeat of 10 s")
    mongo_url: SecretStr = Field(description="Database, with this service's own user")
    host: str = "127.0.0.1"
    port: int = 8000
    drain_s: float = Field(
        0,
        description="Seconds that a service told to stop answers new requests still, while balancers turn "
        "away from it; those in hand then get as long again, and 3 s",
        ge=0,
        le=300,
    )
    trusted_proxies: str = Field(
        "127.0.0.1",
        description="Addresses or networks, by commas, whose X-Forwarded-For tells where a request is from",
    )
    max_connections: int = Field(
        800, description="HTTP connections to one replica, of which one address has half at most", ge=2
    )
    log_level: str = "INFO"
    trace_file: Path | None = Field(None, description="Write finished spans here, one JSON object a line")

    api_keys: dict[CallerName, ApiKeys] = Field({}, description="By caller; made by `redress keys`")
    oidc_issuer: str | None = Field(None, description="Whose tokens staff come with; its URL, by https")
    oidc_audience: str = Field("redress", description="Whom those tokens must be made for")
    oidc_roles_claim: str = Field("roles", description="Where a token lists roles, words of the packs")
    oidc_departments_claim: str = Field("departments", description="Where a token lists departments")
    rate_limit: str = Field(
        "6000/minute",
        description="Requests of one caller, or of one address without good credentials, to one replica",
        pattern=r"^[1-9][0-9]*/(second|minute|hour|day)$",
    )
    pack: str = Field("base", description="The policy pack of complaints that do not name one")
    fingerprint_key: SecretStr | None = Field(
        None, description="Keys the hashes by which customers are known again", min_length=32
    )
    sealing_key: SecretStr | None = Field(
        None, description="Seals personal data at rest; whoever loses it loses the data", min_length=32
    )
    max_body: int = Field(65_536, description="Bytes a request body may have", gt=0)
    scanner_url: str | None = Field(
        None,
        description="ClamAV, as tcp://host:3310; without it files are not scanned",
        pattern=r"^tcp://.+:\d+$",
    )
    max_upload: int = Field(20 * 2**20, description="The same where files are taken", gt=0)

    smtp_url: SecretStr = Field(
        SecretStr("smtp://127.0.0.1:25"),
        description="Mail server; as smtp://user:password@host:587 with STARTTLS or not at all, or smtps://",
    )
    mail_from: str = "complaints@redress.invalid"
    gateways: dict[str, Gateway] = Field(
        {}, description="HTTP gateways for SMS and chat, by channel of customers or name in a pack's `chat`"
    )
    webhook_networks: str = Field(
        "",
        description="Networks, by commas, that webhooks may reach though they are private (10.1.0.0/16)",
    )
    receipt_url: str = Field(
        "http://127.0.0.1:8001", description="Where customers reach intake's pages, to see how it stands"
    )
    survey_url: str = Field("http://127.0.0.1:8005", description="Where customers reach the survey pages")
    survey_key: SecretStr | None = Field(None, description="Signs survey links", min_length=32)

    @property
    def customers_key(self) -> bytes:
        """The fingerprint key's bytes; a service that takes fingerprints does not start without it."""
        assert self.fingerprint_key is not None
        return self.fingerprint_key.get_secret_value().encode()

    @property
    def house_secret(self) -> bytes:
        """The sealing key's bytes; no service starts without it."""
        assert self.sealing_key is not None
        return self.sealing_key.get_secret_value().encode()

    @property
    def signing_key(self) -> bytes:
        """The survey key's bytes; a service that signs does not start without it."""
        assert self.survey_key is not None
        return self.survey_key.get_secret_value().encode()


@cache
def settings() -> Settings:
    """The settings of this process. Raises pydantic's ValidationError when a required one is missing."""
    return Settings()
