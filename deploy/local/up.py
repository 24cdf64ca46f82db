"""`make up`: the whole system on this machine until Ctrl-C, with its URLs and a first complaint to try."""

import asyncio
import contextlib
import signal
import sys

from deploy.local.install import Failed, install
from deploy.local.servers import Servers
from deploy.local.stage import Stage, stage
from deploy.local.system import ROOT, NotReady
from deploy.provision import SERVICES

FOLDER = ROOT / ".local" / "up"
MAILS = FOLDER / "mails"


def main() -> None:
    try:
        asyncio.run(up())
    except (Failed, NotReady) as error:
        sys.exit(str(error))


async def up() -> None:
    install()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    print("starting broker, database and five services ...", flush=True)
    servers = await Servers.start(FOLDER / "servers")
    try:
        async with stage(servers, FOLDER / "services", mails=MAILS) as set_up:
            print(told(set_up), flush=True)
            with contextlib.suppress(asyncio.CancelledError):
                await stopping.wait()
            print("stopping ...", flush=True)
    finally:
        await servers.stop()


def told(set_up: Stage) -> str:
    """Where everything is, and a first complaint."""
    system = set_up.system
    urls = "\n".join(f"  {service:8}{system.url(service)}/docs" for service in SERVICES)
    return f"""
{urls}
  mails   {MAILS.relative_to(ROOT)}/ (delivered nowhere; survey links are in them)
  logs    {system.folder.relative_to(ROOT)}/

A first complaint:

  curl -s {system.url("intake")}/v1/complaints \\
    -H 'Authorization: Bearer {system.key}' -H 'Content-Type: application/json' \\
    -H 'Idempotency-Key: my-first' \\
    -d '{{"channel": "email", "language": "en", "description": "The kettle leaks.",
         "complainant": {{"name": "Ann Example", "email": "ann@example.com"}}}}'

Policies (the second key approves what the first proposed):

  export REDRESS_TRIAGE_URL={system.url("triage")} REDRESS_SLA_URL={system.url("sla")}
  export REDRESS_API_KEY={system.key}
  .venv/bin/redress policies simulate FILE
  .venv/bin/redress policies publish FILE
  REDRESS_API_KEY={system.approver_key} .venv/bin/redress policies publish PACK/VERSION --approve

What could not be handled:

  REDRESS_OPERATOR_AMQP_URL='{set_up.servers.operator_amqp_url}' \\
    .venv/bin/redress parked list triage

Ctrl-C ends it; complaints, ports and keys are kept for the next time."""


if __name__ == "__main__":
    main()
