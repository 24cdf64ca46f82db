"""A stage as `make up` gives it, with all that it prints, and a complaint on record."""

import re
import textwrap
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local import up
from deploy.local.stage import stage
from deploy.provision import SERVICES
from tests.docs.reading import Page, read
from tests.docs.shell import Shell, checkout, environment
from tests.kit.servers import servers_for_tests

_SET = re.compile(r"(?<!\S)(REDRESS_[A-Z_]+)=(?:'([^']*)'|(\S+))")
FIRST = {
    "channel": "email",
    "language": "en",
    "description": "The lid does not close.",
    "complainant": {"name": "Ann Example", "email": "ann@example.com"},
}


@dataclass
class Desk:
    """Where a reader sits; `printed` is what `make up` said, as a page."""

    folder: Path
    variables: Mapping[str, str]
    printed: Page

    def shell(self, name: str) -> Shell:
        """A shell in a checkout of its own."""
        folder = checkout(self.folder / re.sub(r"\W+", "-", name), self.folder / ".local")
        return Shell(folder, environment(folder) | dict(self.variables))


async def publish_twice(desk: Desk, approver_key: str) -> None:
    """A pack with two versions in use."""
    shell = desk.shell("publishing")
    for version in (1, 2):
        title = "title: {zh-CN: 两版, en: Twice}"
        pack = f"pack: twice\\nversion: {version}\\nextends: base/1\\n{title}\\nsource: ours"
        publish = f"printf '{pack}' | redress policies publish -"
        approve = f"REDRESS_API_KEY={approver_key} redress policies publish twice/{version} --approve"
        said = await shell.type(f"{publish} && {approve}")
        assert said.status == 0, said.out + said.err
    shell.close()


@pytest.fixture(scope="package")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp("docs")
    local = folder / ".local" / "up"
    async with (
        servers_for_tests(local / "servers") as servers,
        stage(servers, local / "services", mails=local / "mails") as set_up,
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(up, "ROOT", folder)
            patch.setattr(up, "MAILS", local / "mails")
            told = up.told(set_up)
        variables = {name: quoted or bare for name, quoted, bare in reversed(_SET.findall(told))}
        variables |= {f"{name.upper()}_PORT": str(set_up.system.ports[name]) for name in SERVICES}
        async with set_up.system.client() as client:
            answer = await client.post(f"{set_up.system.url('intake')}/v1/complaints", json=FIRST)
        found = answer.json()
        variables |= {"COMPLAINT": found["id"], "NUMBER": found["number"], "TWICE_PUBLISHED": "twice"}
        desk = Desk(folder, variables, read("what make up prints", textwrap.indent(told, "  ")))
        await publish_twice(desk, set_up.system.approver_key)
        yield desk
