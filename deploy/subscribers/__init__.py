"""`redress subscribers`: other teams, each let in to a queue of its own and to nothing else."""

from deploy.subscribers.commands import app

__all__ = ["app"]
