"""The checks: what the ledger promises against what databases and bus hold, some complaints at a time."""

from tests.faults.checks import clocks, dues, notices, order, stages
from tests.faults.checks.world import CATEGORIES, Findings, World

__all__ = ["CATEGORIES", "Findings", "World", "checked"]


def checked(world: World) -> Findings:
    """All that is wrong with these complaints."""
    for check in (stages.check, order.check, clocks.check, dues.check, notices.check):
        check(world)
    return world.findings
