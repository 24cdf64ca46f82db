"""`make demo`: complaints from a file through every stage, on real servers, and what came of them."""

import asyncio
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.local import traces
from deploy.local.install import Failed, install
from deploy.local.play import TOLD, Case, Players, Stuck
from deploy.local.samples import SampleError, Samples, read
from deploy.local.servers import Servers
from deploy.local.stage import Stage, stage
from deploy.local.system import ROOT, NotReady
from deploy.parked.messages import parked
from shared.clock import machine_now

SAMPLES = ROOT / "samples" / "complaints.jsonl"
FOLDER = ROOT / ".local" / "demo"
AT_ONCE = 16
SHOWN = 40
CAPTION = "* the class was read off the text"
SOON = timedelta(days=30)
FAST, SLOW = 3600.0, 60.0
"""Business seconds in a second: with slow departments to be seen, and without."""
MILESTONES = (
    "complaint.registered", "complaint.graded", "complaint.dispatched", "complaint.accepted",
    "complaint.investigated", "complaint.solution_proposed", "complaint.solution_offered",
    "complaint.solution_agreed", "complaint.solution_implemented", "complaint.solution_audited",
    "complaint.answered", "complaint.fed_back", "complaint.closed", "deadline.set", "notice.sent",
    "survey.opened", "survey.answered",
)  # fmt: skip

out = Console(width=max(Console().width, 150), highlight=False)


def main() -> None:
    """Exit 0 only if every complaint arrived where it should."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    try:
        sys.exit(asyncio.run(demo(path)))
    except (SampleError, Failed, NotReady) as error:
        out.print(f"[red]{error}[/]")
        sys.exit(1)


async def demo(path: Path) -> int:
    samples = read(path)
    cases = [case(row) for row in samples.complaints]
    if not cases:
        number, reason = samples.rejected[0]
        raise SampleError(f"{path.name} holds no complaint that could be mapped. Row {number}: {reason}.")
    tell_samples(path, samples, cases)
    install()
    shutil.rmtree(FOLDER, ignore_errors=True)
    started = monotonic()
    servers = await Servers.start(FOLDER / "servers")
    try:
        speed = FAST if any(each.play.get("slow") for each in cases) else SLOW
        async with stage(servers, FOLDER / "services", speed, traces=True) as set_up:
            out.print(f"broker, database and five services are ready after {monotonic() - started:.1f} s")
            seconds, lines = await run(set_up, cases, speed)
            left = await parked(servers.operator_amqp_url)
    finally:
        await servers.stop()
    faults = [f"row {number} was left out: {reason}" for number, reason in samples.rejected]
    return report(cases, lines, traces.read(FOLDER / "services"), left, seconds, faults)


def case(row: Mapping[str, Any]) -> Case:
    """A row of the file as a case; a date long past would have missed every deadline before it began."""
    body = {name: value for name, value in row.items() if name != "play"}
    at = body.get("received_at")
    if at and machine_now() - datetime.fromisoformat(str(at)) > SOON:
        del body["received_at"]
    return Case(body=body, play=row.get("play", {}))


def tell_samples(path: Path, samples: Samples, cases: Sequence[Case]) -> None:
    """What was read, and what could not be mapped."""
    out.print(f"[bold]{len(cases)} complaints[/] from {path.name}")
    for name, count in samples.unmapped.items():
        out.print(f"  not mapped: {name} ({count} rows)", style="yellow", markup=False)
    for sentence, count in samples.assumed.items():
        out.print(f"  assumed in {count} rows: {sentence}", style="yellow", markup=False)
    dropped = sum("received_at" in row for row in samples.complaints) - sum(
        "received_at" in c.body for c in cases
    )
    if dropped:
        out.print(f"  received long ago, taken as received now: {dropped} rows", style="yellow")


async def run(set_up: Stage, cases: list[Case], speed: float) -> tuple[float, list[dict[str, Any]]]:
    """Carry all cases, some at once, with live progress; the seconds it took and one case's timeline."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    slots = asyncio.Semaphore(AT_ONCE)
    started = monotonic()
    out.print(f"the clock runs {speed:g} times as fast as yours")
    if sleepers := sum(bool(each.play.get("slow")) for each in cases):
        out.print(f"{sleepers} departments are slow on purpose, to be seen missing their deadlines")
    async with set_up.system.client() as client:
        players = Players(set_up.system, client, set_up.mailbox, set_up.gateway)
        with Progress(*columns, console=out) as progress:
            bars = {
                name: progress.add_task(name, total=len(cases)) for name in ("registered", "solved", "closed")
            }

            async def carry(each: Case) -> None:
                async with slots:
                    try:
                        await players.carry(each, lambda case: show(case))
                        each.error = missing(await players.timeline(each, "en"), each, set_up)
                    except (Stuck, httpx.HTTPError) as error:
                        each.error = f"{type(error).__name__}: {error}"

            seen: dict[str, set[int]] = {name: set() for name in bars}

            def show(each: Case) -> None:
                reached = {
                    "registered": True,
                    "solved": each.stage in ("fed_back", "closed") or each.cycle > 1,
                }
                reached["closed"] = each.stage == "closed"
                for name, there in reached.items():
                    if there:
                        seen[name].add(id(each))
                        progress.update(bars[name], completed=len(seen[name]))

            await asyncio.gather(*(carry(each) for each in cases))
        seconds = monotonic() - started
        chosen = chosen_of(cases)
        return seconds, await players.timeline(chosen, "en") if chosen else []


def missing(lines: list[dict[str, Any]], each: Case, set_up: Stage) -> str:
    """What a closed complaint lacks; empty if it arrived where it should."""
    types = {line["type"].rpartition(".")[0] for line in lines}
    lacks = [name for name in MILESTONES if name not in types]
    mailed = sum(notice["route"] == "email" and notice["state"] == "sent" for notice in each.notices)
    if len(set_up.mailbox.about(each.number)) < mailed:
        lacks.append(f"{mailed} mails in the mail server")
    failed = [notice["kind"] for notice in each.notices if notice["state"] not in TOLD]
    return ", ".join([*(f"no {name}" for name in lacks), *(f"notice {kind} not sent" for kind in failed)])


def chosen_of(cases: Sequence[Case]) -> Case | None:
    """The case to look at closely: one that was reopened, if there is one."""
    whole = [each for each in cases if not each.error]
    return max(whole, key=lambda each: each.cycle, default=None)


def report(
    cases: list[Case],
    lines: list[dict[str, Any]],
    spans: dict[str, list[traces.Span]],
    left: Mapping[str, int],
    seconds: float,
    faults: list[str],
) -> int:
    """Print what happened; 0 if all is well."""
    out.print(table(cases))
    chosen = chosen_of(cases)
    faults += [f"{each.number or 'a complaint'}: {each.error}" for each in cases if each.error]
    faults += [f"{count} messages are parked for {service}" for service, count in left.items() if count]
    if chosen:
        out.print(f"\n[bold]The way of {chosen.number}[/]")
        for line in lines:
            out.print(
                f"  {line['time'][:19]}  +{line['after'] / 60:7.1f} min  {line['service']:7}{line['words']}",
                markup=False,
            )
        faults += trace_faults(chosen, spans)
    well = len(cases) - sum(bool(each.error) for each in cases)
    out.print(
        f"\n{well} of {len(cases)} complaints closed in {seconds:.1f} s: [bold]{well / seconds:.1f}/s[/]"
    )
    if len(faults) > 20:
        out.print(f"{len(faults)} faults, the first 20 of them:", style="red")
    for fault in faults[:20]:
        out.print(fault, style="red", markup=False)
    return 1 if faults or not cases else 0


def trace_faults(chosen: Case, spans: dict[str, list[traces.Span]]) -> list[str]:
    """Print the trace; what it lacks."""
    own = spans.get(chosen.trace.split("-")[1], [])
    if not own:
        return ["no trace was exported"]
    services = {span.service for span in own}
    out.print(f"\n[bold]Its trace: {len(own)} spans in {len(services)} services[/]")
    out.print(traces.tree(own))
    lost = [f"the trace has a span without parent: {span.name}" for span in traces.orphans(own)]
    return lost + [f"the trace has {len(services)} services, not 5"] * (len(services) != 5)


def table(cases: list[Case]) -> Table:
    """One line a complaint."""
    shown = Table(
        title="Complaints",
        caption=CAPTION + (f"; {len(cases) - SHOWN} more are not shown" if len(cases) > SHOWN else ""),
    )
    for heading in (
        "receipt",
        "channel",
        "class",
        "grade",
        "deadlines",
        "notices",
        "score",
        "rounds",
        "seconds",
        "end",
    ):
        shown.add_column(heading, no_wrap=True)
    for each in cases[:SHOWN]:
        shown.add_row(*row(each))
    return shown


def row(each: Case) -> list[str]:
    graded = each.view.get("complaint", {}).get("graded", {}).get("1", {})
    outcomes = [clock["outcome"] for clock in each.clocks]
    met, missed = outcomes.count("met"), outcomes.count("missed")
    sent = sum(notice["state"] in TOLD for notice in each.notices)
    scores = [
        str(score)
        for score in (each.play.get("score", 9) if each.cycle > 1 else None, each.score)
        if score is not None
    ]
    return [
        each.number,
        str(each.body["channel"]),
        graded.get("class", "?") + ("*" if graded.get("suggested") else ""),
        graded.get("grade", "?"),
        f"{met} met" + (f", [red]{missed} missed[/]" if missed else ""),
        f"{sent} told",
        " then ".join(scores) or "-",
        str(each.cycle),
        f"{each.seconds:.1f}",
        "[red]stuck[/]" if each.error else each.stage,
    ]


if __name__ == "__main__":
    main()
