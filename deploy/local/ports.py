"""Free ports of this machine."""

import random
import socket

_RANDOM = random.SystemRandom()
"""Whoever seeds the other one gets the ports that others have who did."""


def free_ports(*names: str) -> dict[str, int]:
    """Below the kernel's own range: else a client waiting for a dead server may connect to itself."""
    candidates = (port for port in _RANDOM.sample(range(20000, 32000), 12000) if not accepts(port))
    return dict(zip(names, candidates, strict=False))


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
