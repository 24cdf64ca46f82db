"""A program of ours in a process of its own, as a person runs it."""

import asyncio
import os
import sys

from deploy.local.system import ROOT


async def ran(module: str, *arguments: str) -> tuple[int, str]:
    """The exit code of `python -m MODULE ...`, and all that it said."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments,
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await program.communicate()
    return program.returncode or 0, said.decode()
