"""`redress`: the operator's commands, each imported when it is asked for: none needs the whole house."""

import sys
from importlib import import_module

import typer

from deploy.defaults import defaults
from shared.problems import Problem

COMMANDS = {
    "parked": "deploy.parked.commands",
    "policies": "deploy.policies.commands",
    "calendar": "deploy.calendars.commands",
    "keys": "deploy.keys",
    "events": "deploy.events.commands",
    "subscribers": "deploy.subscribers.commands",
    "verify": "deploy.verify",
    "backup": "deploy.backup.commands",
    "restore": "deploy.backup.commands",
}
"""Where each command lies: a function of its name, or an `app` with commands of its own."""


def redress(context: typer.Context) -> None:
    """Redress: the operator's commands."""
    context.default_map = defaults(context.command)


def program(*names: str) -> typer.Typer:
    """The program with these commands, or with all."""
    app = typer.Typer(callback=redress, no_args_is_help=True)
    for name in names or COMMANDS:
        module = import_module(COMMANDS[name])
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command()(getattr(module, name))
    return app


def main() -> None:
    asked = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    try:
        program(*{asked} & COMMANDS.keys())()
    except Problem as refused:
        raise SystemExit(refused.detail) from None
    except ConnectionError as error:
        raise SystemExit(f"The broker cannot be reached ({error}); is the system running?") from None
    except OSError as error:
        raise SystemExit(
            ": ".join(str(told) for told in (error.filename, error.strerror or error) if told)
        ) from None
