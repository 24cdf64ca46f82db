"""What a command is not told it reads from the files of secrets, and each reads only those that it needs.

An option that the environment may give as `REDRESS_X` may also lie in the file `redress_x` of the folder that
`REDRESS_SECRETS` names (`/run/secrets`), as with settings, or in the file that `REDRESS_X_FILE` names.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from shared.problems import Problem

PREFIX = "REDRESS_"


def defaults(command: Any) -> dict[str, Any]:
    """By option, and by command below this one, what reads its file once it is wanted."""
    found: dict[str, Any] = {
        each.name: read for each in command.params if (read := _reader(each.envvar)) is not None
    }
    below = getattr(command, "commands", {})
    return found | {name: more for name, each in below.items() if (more := defaults(each))}


def _reader(variable: Any) -> Callable[[], str] | None:
    if not isinstance(variable, str) or not variable.startswith(PREFIX):
        return None
    named = os.environ.get(f"{variable}_FILE")
    path = Path(named) if named else _folder() / variable.lower()
    return partial(_read, path) if named or path.is_file() else None


def _folder() -> Path:
    return Path(os.environ.get("REDRESS_SECRETS", "/run/secrets"))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError):
        raise Problem(f"{path} cannot be read") from None
