"""The events' JSON Schemas, from `shared/events.py` into `docs/schemas/`: `python -m deploy.schemas`."""

import json
from pathlib import Path

from shared.events import CATALOGUE

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


def schemas() -> dict[str, str]:
    """File name -> schema of the event's `data`, as `dataschema` in the envelope names it."""
    return {
        f"{type}.json": json.dumps(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"/schemas/{type}.json"}
            | fact.model_json_schema(by_alias=True, mode="serialization"),
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
        for type, fact in CATALOGUE.items()
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
