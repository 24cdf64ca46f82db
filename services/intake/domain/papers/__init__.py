"""Papers: the forms that a regulation names, filled in from the record once their stage is reached.

`record` is what stands where, `wording` says it in words, `filling` makes one paper of one complaint,
`sheets` one over many, `layout` puts them on pages. Source: each pack's `papers`, after the forms of its
regulation (POLICIES 1.4).
"""

from services.intake.domain.papers.filling import (
    Field,
    Form,
    filled,
    forms,
    paper_of,
    source,
    stages_past,
    words,
)
from services.intake.domain.papers.layout import Page, heading, page, signatures
from services.intake.domain.papers.sheets import (
    Column,
    Line,
    Listed,
    Sheet,
    opens_texts,
    sheet,
    sheet_paper,
    sheets,
)
from services.intake.domain.papers.wording import Shown

__all__ = [
    "Column",
    "Field",
    "Form",
    "Line",
    "Listed",
    "Page",
    "Sheet",
    "Shown",
    "filled",
    "forms",
    "heading",
    "opens_texts",
    "page",
    "paper_of",
    "sheet",
    "sheet_paper",
    "sheets",
    "signatures",
    "source",
    "stages_past",
    "words",
]
