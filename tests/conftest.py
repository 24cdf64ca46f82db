"""Fixtures: real servers for everybody, and a stage with all five services for the journeys."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

os.environ.setdefault("REDRESS_AMQP_URL", "amqp://nobody@127.0.0.1:1/redress")
os.environ.setdefault("REDRESS_MONGO_URL", "mongodb://127.0.0.1:1/")

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.install import install
from deploy.local.servers import Servers
from deploy.local.stage import Stage, stage
from shared import sealing
from tests.kit.servers import AnyServers, servers_for_tests

HOUSE_KEY = b"the key of a house where nobody lives"
sealing.use_house_key(HOUSE_KEY)

# How long an example takes says nothing on a machine that does other things besides.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AnyServers]:
    """A broker and a database that no service uses: for the mechanism alone."""
    async with servers_for_tests(tmp_path_factory.mktemp("servers")) as found:
        yield found


@pytest.fixture(scope="session")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The whole system on servers of its own, an hour of whose time passes in a second."""
    async with (
        servers_for_tests(tmp_path_factory.mktemp("played")) as found,
        stage(found, tmp_path_factory.mktemp("services"), speed=3600, traces=True) as set_up,
    ):
        yield set_up


@pytest.fixture
async def breakable(tmp_path: Path) -> AsyncIterator[Servers]:
    """Local servers that a test may kill."""
    install()
    found = await Servers.start(tmp_path / "servers")
    yield found
    found.kill_all()
