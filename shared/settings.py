"""Settings: everything an operator can set, read once from the environment or from secret files.

A name such as `REDRESS_AMQP_URL` may also be a file `redress_amqp_url` in the folder that `REDRESS_SECRETS`
names (default `/run/secrets`), so that no password need stand in an environment.
"""

import os
from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_SECRETS = Path(os.environ.get("REDRESS_SECRETS", "/run/secrets"))


class Settings(BaseSettings):
    """What one service process is told from outside."""

    model_config = SettingsConfigDict(
        env_prefix="REDRESS_",
        extra="ignore",
        frozen=True,
        secrets_dir=_SECRETS if _SECRETS.is_dir() else None,
    )

    amqp_url: SecretStr = Field(description="Broker, with this service's own user and a heartbeat of 10 s")
    mongo_url: SecretStr = Field(description="Database, with this service's own user")
    host: str = "127.0.0.1"
    port: int = 8000
    log_level: str = "INFO"
    trace_file: Path | None = Field(None, description="Write finished spans here, one JSON object a line")

    api_keys: dict[str, str] = Field({}, description="Caller's name -> SHA-256 of its API key, in hex")
    pack: str = Field("base", description="The policy pack of complaints that do not name one")
    fingerprint_key: SecretStr | None = Field(
        None, description="Keys the hashes by which customers are known again", min_length=32
    )
    max_body: int = Field(65_536, description="Bytes a request body may have", gt=0)

    smtp_url: str = "smtp://127.0.0.1:25"
    mail_from: str = "complaints@redress.invalid"
    gateway_url: str | None = Field(None, description="HTTP gateway that passes on SMS and chat messages")
    survey_url: str = Field("http://127.0.0.1:8005", description="Where customers reach the survey pages")
    survey_key: SecretStr | None = Field(None, description="Signs survey links", min_length=32)

    @property
    def customers_key(self) -> bytes:
        """The fingerprint key's bytes; a service that takes fingerprints does not start without it."""
        assert self.fingerprint_key is not None
        return self.fingerprint_key.get_secret_value().encode()

    @property
    def signing_key(self) -> bytes:
        """The survey key's bytes; a service that signs does not start without it."""
        assert self.survey_key is not None
        return self.survey_key.get_secret_value().encode()


@cache
def settings() -> Settings:
    """The settings of this process. Raises pydantic's ValidationError when a required one is missing."""
    return Settings()
