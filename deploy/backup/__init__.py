"""Copies of everything the house knows, at one point in time, and back from them."""

from deploy.backup.commands import backup, restore

__all__ = ["backup", "restore"]
