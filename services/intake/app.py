"""intake, the record: what the customer told us, where it stands, how it ended."""

import re

from services.intake import listeners
from services.intake.api import (
    board,
    complaints,
    conformance,
    contract,
    delegations,
    events,
    evidence,
    exports,
    handing_in,
    imports,
    ledger,
    orders,
    papers,
    people,
    receipts,
    saved_views,
    spot_checks,
    statistics,
    trends,
    vocabulary,
    workload,
)
from services.intake.store import complaints as store
from services.intake.store.counts import measure_stages
from services.intake.store.evidence import sweep
from services.intake.store.orders import measure_overdue, tell_of_breaches
from services.intake.store.people import end_retention, finish_erasures
from services.intake.store.trends import watch
from shared.service import Service

DOORS = (handing_in, complaints, ledger, imports, exports, evidence, papers, people, delegations)
FOR_PEOPLE = (receipts, board)
FOR_TEAMS = (contract, events)
SUPERVISION = (vocabulary, saved_views, statistics, conformance, trends, workload, spot_checks, orders)
service = Service(
    "intake",
    store=store.complaints,
    inbox=listeners.inbox,
    routers=[each.router for each in (*DOORS, *FOR_PEOPLE, *SUPERVISION, *FOR_TEAMS)],
    ticks=[store.copies.refresh, finish_erasures, end_retention, sweep, tell_of_breaches, watch.tick],
    rest=events.close,
    needs=["fingerprint_key"],
    measures=[measure_overdue, measure_stages],
    streams=re.compile(r"/v1/complaints(:import|/[^/]+/evidence)"),
    about=__doc__,
    tags={
        "complaints": "A complaint: hand it in, handle it step by step, see where it stands",
        "ledger": "Many complaints: listed, searched, watched, imported and exported",
        "figures": "What complaints come to: statistics of any period, and monthly reports",
        "evidence": "Files that belong to a complaint",
        "people": "The data of people: given out, erased, and who has read it",
        "papers": "The forms that a regulation names, filled in",
        "views": "Lists of the ledger that somebody comes back to",
        "supervision": "Who holds what, what falls due, spot checks, and what departments must put in order",
        "board": "The supervisors' page, and signing in to it by a browser",
        "delegations": "Who acts in whose stead",
        "conformance": "How complaints did against ISO 10002, clocks and targets, with proof",
        "receipts": "What customers see of their complaint, with the secret of its receipt",
        "events": "What has happened, for teams that subscribe without AMQP",
        "contract": "The events that are published to everybody: their schemas, and a page to read",
        "trends": "What has become more frequent, what is done against it, and whether that helps",
    },
)
app = service.app

if __name__ == "__main__":
    service.run()
