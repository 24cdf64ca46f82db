"""A broker of its own, and the gate to it: what is published here would lie in everybody's inboxes."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.kit.servers import AnyServers, servers_for_tests
from tests.subscribers.gate import Gate


@pytest.fixture(scope="package")
async def closed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AnyServers]:
    async with servers_for_tests(tmp_path_factory.mktemp("closed")) as found:
        yield found


@pytest.fixture
def gate(closed: AnyServers) -> Iterator[Gate]:
    """Whoever let somebody in shuts them out again."""
    found = Gate.at(closed)
    yield found
    users = [each["name"] for each in found.root.get("users")]
    for team in {name.removeprefix("team.") for name in users if name.startswith("team.")}:
        found.said("remove", team)
