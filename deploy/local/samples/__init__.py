"""Somebody's JSON lines or CSV become bodies of POST /v1/complaints; what cannot is told."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, ValidationError

from deploy.local.samples.files import Json, SampleError, rows
from deploy.local.samples.mapping import Fields, mapped
from deploy.local.samples.words import CHANNELS, LONGEST
from services.intake.domain.forms import Given, NewComplaint

__all__ = ["CHANNELS", "LONGEST", "Form", "SampleError", "Samples", "read"]


@dataclass
class Samples:
    """What a file holds: complaints in our form; fields, rows and assumptions to tell the user of."""

    complaints: list[Json] = field(default_factory=list)
    unmapped: dict[str, int] = field(default_factory=Counter)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    assumed: dict[str, int] = field(default_factory=Counter)


class Play(Given):
    """What the demo's people do with a complaint of ours."""

    score: int | None = Field(None, ge=0, le=10)
    second_score: int | None = Field(None, ge=0, le=10)
    slow: bool = False


class Form(NewComplaint):
    """A row in our own form: the body of POST /v1/complaints, and how the demo plays it."""

    play: Play | None = None


def read(path: Path) -> Samples:
    samples = Samples()
    for number, row in rows(path):
        if isinstance(row, str):
            samples.rejected.append((number, row))
        elif not fault(row):
            samples.complaints.append(row)
        else:
            take(samples, number, row)
    if not samples.complaints and not samples.rejected:
        raise SampleError(f"{path} holds no rows. Give one complaint a line (see samples/complaints.jsonl).")
    return samples


def take(samples: Samples, number: int, row: Json) -> None:
    fields = Fields(row)
    complaint = mapped(fields, number)
    if reason := fault(complaint) if complaint.get("description") else "no text and no issue or title":
        samples.rejected.append((number, reason))
        return
    samples.complaints.append(complaint)
    for name in fields.left():
        samples.unmapped[name] += 1
    for assumption in fields.assumed:
        samples.assumed[assumption] += 1


def fault(row: Json) -> str:
    """What keeps a row from being our own form, or nothing."""
    try:
        Form.model_validate_json(json.dumps(row))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'row'}: {first['msg']}"
    return ""
