"""Reference cases that lie beside the project, or in the folder that `REDRESS_CASES` names."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

BESIDE = Path(__file__).parents[3] / "shared" / "data" / "cases"


def reference(file: str) -> Any:
    """The content of one file, numbers exact; None if there is no folder. One that is named must be there."""
    named = os.environ.get("REDRESS_CASES")
    folder = Path(named) if named else BESIDE
    if not named and not folder.is_dir():
        return None
    return json.loads((folder / file).read_text(encoding="utf-8"), parse_float=Decimal)
