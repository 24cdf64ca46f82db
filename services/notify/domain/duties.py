"""Duties: who may see where customers live and how they are called, to call them and to post letters.

Source: the desk of the regulations (POLICIES 1.4); nobody sees more of people than their duty takes.
"""

from shared.problems import Forbidden

DESK = frozenset({"recorder", "service_manager"})


def check_desk(roles: frozenset[str]) -> None:
    """Raises Forbidden for whoever has no role of the desk."""
    if roles.isdisjoint(DESK):
        raise Forbidden(f"This takes one of the roles {', '.join(sorted(DESK))}")
