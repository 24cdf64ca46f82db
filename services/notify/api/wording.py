"""A notice in words, before anybody is told: our texts, a pack's, or one that is still a draft."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notify.channels.samples import sample
from services.notify.channels.wording import page, worded
from shared.events import Language, Text
from shared.http import caller
from shared.policy import NoticeKind, Pack, available, latest, load, no_such, words_for, wrong_in
from shared.problems import Fault, Invalid, pointer
from shared.settings import settings

router = APIRouter(prefix="/v1", tags=["notices"], dependencies=[Depends(caller)])
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
}
PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
Value = Annotated[str, Field(max_length=10_000)]


class Preview(BaseModel):
    """What is to be looked at; whatever word is not given is a sample."""

    model_config = ConfigDict(extra="forbid")

    kind: NoticeKind
    language: Language
    pack: str | None = Field(None, description="Default: the house's pack", max_length=60)
    pack_version: int | None = Field(None, description="Default: the newest", ge=1)
    text: Text | None = Field(None, description="A draft to be tried instead; its first line is the subject")
    values: dict[str, Value | None] = Field({}, description="By word; null: not known", max_length=30)


class Previewed(BaseModel):
    """A notice as it would be told."""

    subject: str
    text: str
    html: str


@router.post("/notices:preview", responses=PAGE, response_model=Previewed)
async def preview(asked: Preview, request: Request) -> Any:
    """A notice as it would be told, with samples for what is not given; as a page for `Accept: text/html`.

    422 names the words that a draft may not use, and whatever else could fail once it is sent.
    """
    pack, words = _pack(asked), words_for(asked.kind)
    faults = (
        [Fault(detail=told, pointer="#/text") for told in wrong_in(asked.text, words)] if asked.text else []
    )
    strange = [name for name in asked.values if name not in words]
    faults += [Fault(detail=no_such("word", n, words), pointer=pointer(["values", n])) for n in strange]
    if faults:
        raise Invalid("This notice could not be told", faults)
    known = sample(asked.kind, pack, asked.language) | asked.values
    said = worded(pack, asked.kind, asked.language, known, asked.text)
    if "text/html" in request.headers.get("accept", ""):
        return Response(page(said), 200, HEADERS, "text/html; charset=utf-8")
    return Previewed(subject=said.subject, text=said.body, html=page(said))


def _pack(asked: Preview) -> Pack:
    """Raises Invalid for one that is not there."""
    name = asked.pack or settings().pack
    version = asked.pack_version or latest(name)
    if (name, version) not in available():
        fault = Fault(detail=f"the newest is {latest(name)}", pointer="#/pack_version")
        raise Invalid(f"There is no version {version} of the pack {name}", [fault])
    return load(name, version)
