"""`redress policies`: what its author and its operators do with a policy pack."""

from deploy.policies.commands import app

__all__ = ["app"]
