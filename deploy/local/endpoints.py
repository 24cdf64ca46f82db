"""Where a broker, its management and a database are reached, by whom."""

from deploy import provision
from deploy.provision import ADMIN, Passwords


class Endpoints:
    """A broker, a database and the broker's HTTP API as `host:port`, with everybody's passwords.

    With `ca`, the file of an authority, all three are spoken to over TLS.
    """

    def __init__(
        self, passwords: Passwords, broker: str, database: str, management: str, ca: str | None = None
    ) -> None:
        self.passwords = passwords
        self.broker = broker
        self.database = database
        self.management = management
        self.ca = ca

    def amqp_url(self, user: str) -> str:
        return provision.amqp_url(user, self.passwords, self.broker, self.ca)

    def mongo_url(self, service: str) -> str:
        return provision.mongo_url(service, self.passwords, self.database, self.ca)

    @property
    def admin_amqp_url(self) -> str:
        return self.amqp_url(ADMIN)

    @property
    def operator_amqp_url(self) -> str:
        return self.amqp_url("operator")

    @property
    def management_url(self) -> str:
        """The broker's HTTP API, as its administrator."""
        return provision.management_url(self.passwords, self.management, self.ca)

    @property
    def admin_mongo_url(self) -> str:
        return self.mongo_url(ADMIN)

    def environment(self, service: str) -> dict[str, str]:
        """What a service process must be told of them."""
        return {"REDRESS_AMQP_URL": self.amqp_url(service), "REDRESS_MONGO_URL": self.mongo_url(service)}
