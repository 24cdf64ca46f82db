"""Kinds of files: which are taken as evidence, told by their first bytes, and what a file may be called.

A name or a declared type is a claim. The content decides, and a claim that does not fit it is refused:
what is shown or offered for download later is never more than it was taken for.
"""

import re
import struct
import unicodedata
from codecs import getincrementaldecoder
from collections.abc import Callable

from puremagic import PureError, magic_string

from shared.problems import UnsupportedMedia

HEAD = 8192
"""How many first bytes `media_type` should see; fewer if the file has fewer."""
NAME_LENGTH = 120

_OFFICE = "application/vnd.openxmlformats-officedocument"
_WORD, _EXCEL = f"{_OFFICE}.wordprocessingml.document", f"{_OFFICE}.spreadsheetml.sheet"

TYPES: dict[str, tuple[str, ...]] = {
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "image/heic": (".heic", ".heif"),
    "application/pdf": (".pdf",),
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov", ".qt"),
    "audio/mpeg": (".mp3",),
    "audio/wav": (".wav",),
    "text/plain": (".txt", ".text", ".log"),
    _WORD: (".docx",),
    _EXCEL: (".xlsx",),
    "message/rfc822": (".eml",),
}
"""The media types that are taken, and how the names of such files end."""

_SYNONYMS = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/heif": "image/heic",
    "video/x-m4v": "video/mp4",
    "audio/mp3": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
}
# What a sender says who says nothing: the last is what curl adds by itself.
_NO_CLAIM = (
    "", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"
)  # fmt: skip


def media_type(head: bytes, declared: str | None, name: str) -> str:
    """The type of a file that begins with `head`, one of TYPES.

    `declared` and `name` may be missing or loose (a PNG called photo.jpg), but not of another kind than the
    content. Raises UnsupportedMedia; its words repeat neither.
    """
    if not head:
        raise UnsupportedMedia("The file is empty: its bytes are the body of the request")
    found = _read(head)
    if found is None:
        taken = ", ".join(endings[0] for endings in TYPES.values())
        raise UnsupportedMedia(f"The content is none of these: {taken} (texts in UTF-8, without markup)")
    claimed = (declared or "").partition(";")[0].strip().lower()
    if claimed not in _NO_CLAIM and _kind(_SYNONYMS.get(claimed, claimed)) != _kind(found):
        told = f"send it as {found}, or as application/octet-stream"
        raise UnsupportedMedia(f"The declared type does not fit the content: {told}")
    if (ending := _ending(safe_name(name))) and _kind(_BY_ENDING.get(ending, "")) != _kind(found):
        endings = " or ".join(TYPES[found])
        raise UnsupportedMedia(f"The name does not fit the content, which is {found}: end it in {endings}")
    return found


_BY_ENDING = {ending: type for type, endings in TYPES.items() for ending in endings}


def _kind(type: str) -> str:
    """Types that may be taken for one another without harm are of one kind."""
    if type not in TYPES:
        return ""
    family = type.partition("/")[0]
    return {"application": type, "message": "text", "audio": "video"}.get(family, family)


def _ending(name: str) -> str:
    """What decides how a system opens a file of this name; a number or a word after a blank does not."""
    _, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and " " not in ending and not ending.isdigit() else ""


# what the first bytes say

_RUNS = re.compile(rb"<(?:script|html|svg|iframe|\?php|!doctype html)[\s/>]", re.IGNORECASE)
_NO_TEXT = re.compile(rb"\s*(?:#!|GIF8|%PDF|<(?:[!?%]|/?[a-z][a-z0-9:-]*[\s/>]))", re.IGNORECASE)


def _read(head: bytes) -> str | None:
    """Mail may carry HTML as mail does; nothing else may hold what a browser or a server runs."""
    if (found := _mail(head)) is None and not _RUNS.search(head):
        found = _film(head) or _sound(head) or _office(head) or _named(head) or _text(head)
    return found


_BLOCK = re.compile(rb"[,!]")


def _gif(head: bytes) -> bool:
    """After a GIF's header and its colours comes a block: a script that only begins like one has none."""
    colours = 3 << ((head[10] & 7) + 1) if len(head) > 10 and head[10] & 0x80 else 0
    return _BLOCK.match(head, 13 + colours) is not None


def _form(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda head: compiled.match(head) is not None


_FORMS = {
    "image/jpeg": _form(rb"\xff\xd8\xff[\xc0-\xfe]"),
    "image/png": _form(rb"\x89PNG\r\n\x1a\n....IHDR"),
    "image/gif": _gif,
    "image/webp": _form(rb"RIFF....WEBPVP8[ LX]"),
    "audio/wav": _form(rb"RIFF....WAVE"),
    "application/pdf": _form(rb"%PDF-[12]\.[0-9]"),
}


def _named(head: bytes) -> str | None:
    """What the library calls it, if the form bears it out: it takes some shorter beginnings for proof."""
    try:
        names = {_SYNONYMS.get(match.mime_type, match.mime_type) for match in magic_string(head)}
    except (PureError, ValueError):
        return None
    return next((type for type, holds in _FORMS.items() if type in names and holds(head)), None)


_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_MP4 = {b"isom", b"mp41", b"mp42", b"avc1", b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"dash"}
_MP4 |= {b"iso%d" % number for number in range(2, 10)}


def _film(head: bytes) -> str | None:
    """ISO base media (ISO/IEC 14496-12) by its brands; QuickTime; HEIC, whose major brand may be general."""
    size, box, major = int.from_bytes(head[:4], "big"), head[4:8], head[8:12]
    if box != b"ftyp" or not 16 <= size <= 1024:
        return None
    if major in _HEIC or (major in (b"mif1", b"msf1") and _HEIC & _brands(head[16:size])):
        return "image/heic"
    return "video/quicktime" if major == b"qt  " else "video/mp4" if major in _MP4 else None


def _brands(listed: bytes) -> set[bytes]:
    return {listed[at : at + 4] for at in range(0, len(listed), 4)}


_ID3 = re.compile(rb"ID3[\x02-\x04][\x00-\xfe].[\x00-\x7f]{4}", re.DOTALL)
_KBITS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)


def _sound(head: bytes) -> str | None:
    """MP3: a tag (ID3v2), or two frames of layer III that follow one another (ISO/IEC 11172-3, 13818-3)."""
    first = _frame(head)
    return "audio/mpeg" if _ID3.match(head) or (first and _frame(head[first:])) else None


def _frame(start: bytes) -> int:
    """The length in bytes of the frame that begins so; 0 if none does."""
    header = int.from_bytes(start[:4], "big")
    version, bits, rate = header >> 19 & 3, header >> 12 & 15, header >> 10 & 3
    if len(start) < 4 or header >> 21 != 0x7FF or header >> 17 & 3 != 1:
        return 0
    if version == 1 or bits in (0, 15) or rate == 3:
        return 0
    first = version == 3
    hertz = _RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    return (144 if first else 72) * 1000 * _KBITS[first][bits - 1] // hertz + (header >> 9 & 1)


_ENTRY = re.compile(rb"PK\x03\x04(.{26})", re.DOTALL)
_LOCAL = struct.Struct("<5H3I2H")
_PARTS = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"customXml/")
_ENCRYPTED, _UNKNOWN = 1, 0xFFFFFFFF
_MOST_TIMES, _MUCH = 100, 10 * 2**20


def _office(head: bytes) -> str | None:
    """A package of Office Open XML (ECMA-376): its own parts only, up to the first of a document or a sheet.

    Nothing is unpacked. An entry that is encrypted, or says that it swells more than a hundredfold beyond
    10 MiB, is refused; entries further on are not seen.
    """
    for entry in _ENTRY.finditer(head) if head.startswith(b"PK\x03\x04") else ():
        _, flags, _, _, _, _, packed, plain, length, _ = _LOCAL.unpack(entry[1])
        name = head[entry.end() : entry.end() + length]
        swells = packed != _UNKNOWN and plain > max(_MUCH, packed * _MOST_TIMES)
        if flags & _ENCRYPTED or swells or name.endswith(b".bin"):
            return None
        if name.startswith((b"word/", b"xl/")):
            return _WORD if name.startswith(b"word/") else _EXCEL
        if not name.startswith(_PARTS):
            return None
    return None


_FIELD = re.compile(rb"[!-9;-~]+:|[ \t]")
_OF_MAILERS = {b"received", b"return-path", b"message-id", b"delivered-to", b"mime-version"}


def _mail(head: bytes) -> str | None:
    """A message (RFC 5322): nothing but header fields before the first empty line, one by a mail program."""
    whole = head if len(head) < HEAD else head[: head.rfind(b"\n") + 1]
    lines = re.split(rb"\r?\n\r?\n", whole, maxsplit=1)[0].splitlines()
    fields = {line.partition(b":")[0].lower() for line in lines}
    formed = all(_FIELD.match(line) for line in lines) and lines[:1] != [b""]
    plain = b"\0" not in head and _legible(b"\n".join(lines))
    return "message/rfc822" if formed and plain and fields & _OF_MAILERS else None


def _text(head: bytes) -> str | None:
    """UTF-8, and not the beginning of a script, of markup, or of a picture or PDF that is none."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    return "text/plain" if text and _legible(text) and not _NO_TEXT.match(text) else None


def _legible(content: bytes) -> bool:
    """UTF-8 without control characters; the last character may be cut off."""
    try:
        text = getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(each) == "Cc" for each in set(text) - set("\t\n\r\f"))


# what it may be called

_FORBIDDEN = re.compile(r'[<>:"|?*]')


def safe_name(name: str) -> str:
    """A file name that can be shown and offered for download, at most 120 characters, never empty.

    Without path, control and format characters (bidi overrides among them: Unicode TR 36), and without what
    a system would drop at its ends or read as something else.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(" " if each.isspace() else each for each in last if _shown(each))
    tidy = " ".join(_FORBIDDEN.sub("_", unicodedata.normalize("NFC", seen)).split()).strip(" .")
    stem, dot, ending = tidy.rpartition(".")
    if len(tidy) > NAME_LENGTH:
        kept = f"{dot}{ending}" if dot and len(ending) <= 20 else ""
        tidy = (stem if kept else tidy)[: NAME_LENGTH - len(kept)].strip(" .") + kept
    return tidy.strip(" .") or "file"


def _shown(each: str) -> bool:
    return each.isspace() or unicodedata.category(each)[0] != "C"
