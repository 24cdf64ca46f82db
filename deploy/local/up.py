"""`make up`: the whole system on this machine until Ctrl-C, with its URLs and a first complaint to try."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from shlex import quote

from deploy.local.install import Failed, install
from deploy.local.servers import Servers
from deploy.local.stage import Stage, stage
from deploy.local.system import ROOT, NotReady
from deploy.provision import API_KEYS, AUDITOR, BACKUP, SERVICES

FOLDER = ROOT / ".local" / "up"
MAILS = FOLDER / "mails"
EXPORTS: dict[str, Callable[[Stage], str]] = {
    "REDRESS_INTAKE_URL": lambda it: it.system.url("intake"),
    "REDRESS_TRIAGE_URL": lambda it: it.system.url("triage"),
    "REDRESS_SLA_URL": lambda it: it.system.url("sla"),
    "REDRESS_NOTIFY_URL": lambda it: it.system.url("notify"),
    "REDRESS_SURVEY_URL": lambda it: it.system.url("survey"),
    "REDRESS_API_KEY": lambda it: it.system.key,
    "REDRESS_OPERATOR_AMQP_URL": lambda it: it.servers.operator_amqp_url,
    "REDRESS_MANAGEMENT_URL": lambda it: it.servers.management_url,
    "REDRESS_AUDITOR_MONGO_URL": lambda it: it.servers.mongo_url(AUDITOR),
    "REDRESS_BACKUP_MONGO_URL": lambda it: it.servers.mongo_url(BACKUP),
    "REDRESS_PUBLIC_KEY": lambda it: it.system.public_key,
}
"""What commands of operators and the pages need: each variable, and where a stage has it."""


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

The supervisors' page; sign in with the key above:

  {system.url("intake")}/board

A partner's key, which sees its own complaints only; staff come with tokens (README.md):

  {system.partner_key}

One more, known from the next start on:

  .venv/bin/redress keys new NAME --file {system.folder.relative_to(ROOT)}/{API_KEYS}

{_operators(set_up)}

Ctrl-C ends it; complaints, ports and keys are kept for the next time."""


def _operators(set_up: Stage) -> str:
    """What an operator's commands need, all at once, then some of them."""
    return f"""For the commands of operators:

{_exports(set_up)}

  .venv/bin/redress policies publish FILE      # propose; the second key approves:
  REDRESS_API_KEY={set_up.system.approver_key} .venv/bin/redress policies publish PACK/VERSION --approve
  .venv/bin/redress verify                     # whether anybody bent the history of a complaint
  .venv/bin/redress backup .local/backup
  .venv/bin/redress events replay --from first --type 'complaint.*.v1'
  .venv/bin/redress parked list triage         # what could not be handled
  .venv/bin/redress subscribers list           # other teams, and their queues

What teams can subscribe to: {set_up.system.url("intake")}/events"""


def _exports(set_up: Stage) -> str:
    return "\n".join(f"  export {name}={quote(of(set_up))}" for name, of in EXPORTS.items())


if __name__ == "__main__":
    main()
