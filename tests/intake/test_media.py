"""Which files are taken: by their content, never by a claim; and what a file may be called."""

import builtins
import io
import struct
import unicodedata
import zipfile
from contextlib import suppress
from typing import Any

import pytest
import xlsxwriter
from hypothesis import example, given
from hypothesis import strategies as st

from services.intake.domain.media import HEAD, NAME_LENGTH, TYPES, media_type, safe_name
from shared.problems import UnsupportedMedia

DOCX, XLSX = (type for type in TYPES if "openxml" in type)


def package(*parts: str, method: int = zipfile.ZIP_DEFLATED, content: bytes = b"<x/>") -> bytes:
    """A zip container with these parts, all of the same content."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for part in parts:
            archive.writestr(part, content)
    return written.getvalue()


def workbook() -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        book.add_worksheet().write(0, 0, "a delivery that never came")
    return written.getvalue()


def film(major: bytes, *brands: bytes) -> bytes:
    listed = major + bytes(4) + b"".join(brands)
    return struct.pack(">I", 8 + len(listed)) + b"ftyp" + listed + b"\0\0\0\x08free"


def sound(header: bytes, length: int) -> bytes:
    return (header + bytes(length - 4)) * 3


GIF = b"GIF89a\x01\0\x01\0\x80\0\0" + bytes(6) + b"!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xdb"
OFFICE = ("[Content_Types].xml", "_rels/.rels", "docProps/app.xml")
MAIL = b"Received: from a by b;\r\n\tMon, 2 Nov 2026\r\nFrom: a@example.org\r\nSubject: late\r\n\r\n"

TAKEN = [
    (JPEG, "image/jpeg"),
    (b"\xff\xd8\xff\xe1\0\x10Exif\0\0MM\0*" + b"<?xpacket begin=''?><x:xmpmeta ", "image/jpeg"),
    (b"\xff\xd8\xff\xdb\0C\0", "image/jpeg"),
    (PNG, "image/png"),
    (GIF, "image/gif"),
    (b"GIF87a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0", "image/gif"),
    (b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0", "image/webp"),
    (b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0", "image/webp"),
    (film(b"heic", b"mif1", b"heic"), "image/heic"),
    (film(b"mif1", b"mif1", b"heic"), "image/heic"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "application/pdf"),
    (film(b"isom", b"isom", b"iso2", b"avc1", b"mp41"), "video/mp4"),
    (film(b"mp42", b"isom"), "video/mp4"),
    (film(b"avc1", b"isom"), "video/mp4"),
    (film(b"qt  ", b"qt  "), "video/quicktime"),
    (b"ID3\x03\0\0\0\0\x0f\x76TIT2", "audio/mpeg"),
    (sound(b"\xff\xfb\x90\x64", 417), "audio/mpeg"),
    (sound(b"\xff\xfb\x92\x64", 418), "audio/mpeg"),
    (sound(b"\xff\xf3\x40\xc4", 104), "audio/mpeg"),
    (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "audio/wav"),
    ("The parcel never came. 包裹没有到。\r\n".encode(), "text/plain"),
    (b"\xef\xbb\xbfwith a mark", "text/plain"),
    (b"<a.person@example.org> wrote:\n> 1 < 2", "text/plain"),
    ("包裹".encode()[:-1], "text/plain"),
    (b"From: my kitchen\nDate: today\n\nDear all", "text/plain"),
    (package(*OFFICE, "word/document.xml"), DOCX),
    (package("_rels/.rels", "docProps/core.xml", "word/_rels/document.xml.rels"), DOCX),
    (package("docProps/app.xml", "xl/theme/theme1.xml", "[Content_Types].xml"), XLSX),
    (workbook(), XLSX),
    (MAIL + b"Hello", "message/rfc822"),
    (MAIL + b"<html><script>a</script></html>", "message/rfc822"),
    (MAIL.replace(b"\r\n", b"\n") + b"\xc4\xe3\xba\xc3", "message/rfc822"),
    (b"Return-Path: <a@example.org>\r\nDKIM-Signature: " + b"a" * HEAD, "message/rfc822"),
]

REFUSED = {
    "nothing": b"",
    "a program for Windows": b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff" + bytes(100),
    "a program for Linux": b"\x7fELF\x02\x01\x01" + bytes(100),
    "a page": b"<!DOCTYPE html><html><body>hi</body></html>",
    "a page after blanks": b"\xef\xbb\xbf \n\t<HTML\n>",
    "a page after a comment": b"<!-- x --><b>hi</b>",
    "a page inside a text": b"Dear all, <script>alert(1)</script>",
    "a fragment": b"<img src=x onerror=alert(1)>",
    "a drawing": b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "a drawing in XML": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "a script": b"#!/bin/sh\nrm -rf /\n",
    "a server's page": b"<?php system($_GET['c']); ?>",
    "UTF-16": "<script>".encode("utf-16"),
    "a text in UTF-16": "hello".encode("utf-16"),
    "a text in GBK": "投诉".encode("gbk"),
    "a text with escapes": b"hello \x1b[2J",
    "a text with C1 controls": "hello \x9b2J".encode(),
    "a GIF that is a script": b"GIF89a/*" + b"\0" * 4 + b"*/=1;alert(1)//",
    "a GIF that is a script too": b"GIF89a=1;alert(document.cookie);" + b"x" * 900,
    "a GIF with a page behind": GIF + b"<script>alert(1)</script>",
    "a GIF cut short": b"GIF89a\x01\0\x01\0\x80",
    "a JPEG with a server's page": JPEG + b"\xff\xfe\0\x20<?php echo 1;",
    "a PNG with a page": PNG + b"tEXtComment\0<html><body>",
    "a PDF after other bytes": b"MZ\x90\0junk\n%PDF-1.4\n",
    "a PDF after a line": b"\r\n%PDF-1.4\n%\xe2\xe3\xcf\xd3",
    "a PDF that is a text": b"%PDF is my favourite",
    "a PDF after a line, all in ASCII": b"\r\n%PDF-1.4\n1 0 obj\n",
    "a PDF that is a page": b"%PDF-1.4\n<html ><script>",
    "a form": b"%FDF-1.2\n%\xe2\xe3\xcf\xd3",
    "another RIFF": b"RIFF\x24\0\0\0AVI LIST\0\0\0\0",
    "an animated cursor": b"RIFF\x24\0\0\0ACONanih\0\0\0\0",
    "AVIF": film(b"avif", b"mif1", b"avif"),
    "AVIF as MIF": film(b"mif1", b"mif1", b"avif"),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ",
    "a film of no known brand": film(b"\0\0\0\0", b"isom"),
    "a film of no brand that the library takes": b"\0\0\0\x1cftypevil" + bytes(30),
    "a lone frame": b"\xff\xfb\x90\x64" + bytes(413) + b"nothing",
    "AAC": b"\xff\xf1\x50\x80" + bytes(500),
    "a plain zip": package("holiday.jpg"),
    "a program in a zip": package("[Content_Types].xml", "setup.exe", "word/document.xml"),
    "slides": package(*OFFICE, "ppt/presentation.xml"),
    "OpenDocument": package("mimetype", "content.xml"),
    "an empty zip": b"PK\x05\x06" + bytes(18),
    "macros": package(*OFFICE, "word/vbaProject.bin"),
    "parts of no document": package(*OFFICE),
    "a zip bomb": package(*OFFICE, "word/document.xml", content=b"\0" * 30 * 2**20),
    "a bomb before the document": package("[Content_Types].xml", content=b" " * 30 * 2**20),
    "an old Word file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "a zip behind a picture's name": b"PK\x03\x04" + bytes(10),
    "a mail with a zero": MAIL + b"\0",
    "RAR": b"Rar!\x1a\x07\x01\0",
    "rich text with controls": b"{\\rtf1\\ansi \x01}",
}


@pytest.mark.parametrize(("head", "type"), TAKEN)
def test_what_is_taken_is_known_by_its_content(head: bytes, type: str) -> None:
    assert media_type(head[:HEAD], None, "evidence") == type
    assert media_type(head[:HEAD], type, f"Evidence 1.5{TYPES[type][-1].upper()}") == type
    assert media_type(head[:HEAD], f"{type}; charset=x".title(), "a") == type
    assert media_type(head[:HEAD], "application/octet-stream", "") == type


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("claim", [(None, ""), ("image/jpeg", "a.jpg"), ("text/plain", "a.txt")])
def test_what_is_refused_is_refused_under_every_name(case: str, claim: tuple[str | None, str]) -> None:
    with pytest.raises(UnsupportedMedia):
        media_type(REFUSED[case][:HEAD], *claim)


def test_every_type_is_proved() -> None:
    assert {type for _, type in TAKEN} == set(TYPES)


@pytest.mark.parametrize(
    ("head", "declared", "name"),
    [
        (JPEG, None, "photo.exe"),
        (JPEG, None, "photo.jpg.exe"),
        (JPEG, None, "photo.exe. . ."),
        (JPEG, None, "photo.e\u200bxe"),
        (JPEG, None, "photo.jpg:a.exe"),
        (JPEG, None, "photo.{20D04FE0-3AEA-1069-A2D8-08002B30309D}"),
        (JPEG, None, "photo.pdf"),
        (JPEG, "text/html", "photo.jpg"),
        (JPEG, "image/svg+xml", "photo.jpg"),
        (JPEG, "application/pdf", "photo.jpg"),
        (b"alert(1)", "text/javascript", "a.txt"),
        (b"alert(1)", None, "a.js"),
        (b"alert(1)", None, "a.html"),
        (b"a,b", "text/csv", "a.csv"),
        (MAIL, None, "mail.html"),
        (package(*OFFICE, "word/document.xml"), None, "a.docm"),
        (package(*OFFICE, "word/document.xml"), XLSX, "a.docx"),
        (package(*OFFICE, "word/document.xml"), None, "a.jar"),
        (b"%PDF-1.7\n", None, "a.docx"),
    ],
)
def test_a_claim_of_another_kind_is_refused_and_not_repeated(head: bytes, declared: str, name: str) -> None:
    with pytest.raises(UnsupportedMedia) as refused:
        media_type(head, declared, name)
    assert name not in refused.value.detail
    assert declared is None or declared not in refused.value.detail


@pytest.mark.parametrize(
    ("head", "declared", "name"),
    [
        (PNG, "image/jpeg", "photo.jpg"),
        (JPEG, "image/jpg", "IMG 12.5.2026"),
        (JPEG, None, "Mr. Smith"),
        (film(b"mp42"), "video/quicktime", "a.mov"),
        (film(b"heic"), "image/heif", "a.jpeg"),
        (MAIL, "text/plain", "a.txt"),
        (b"From: a\nTo: b\n\nc", "message/rfc822", "a.eml"),
        (JPEG, None, "photo.jpg\u202egpj.exe.jpg"),
    ],
)
def test_a_loose_claim_is_let_pass(head: bytes, declared: str | None, name: str) -> None:
    assert media_type(head, declared, name) in TYPES


HEADS = st.sampled_from([head for head, _ in TAKEN] + list(REFUSED.values()))


@given(
    st.one_of(
        st.binary(),
        st.builds(lambda head, at, rest: head[:at] + rest, HEADS, st.integers(0, 600), st.binary()),
    ),
    st.none() | st.text() | st.sampled_from(list(TYPES)),
    st.text(),
)
def test_any_bytes_are_of_a_type_or_refused(head: bytes, declared: str | None, name: str) -> None:
    with suppress(UnsupportedMedia):
        assert media_type(head, declared, name) in TYPES


@given(
    HEADS, st.binary(), st.sampled_from([b"<script>", b"<SVG ", b"<?php ", b"<!DOCTYPE html>", b"<iframe/"])
)
def test_what_browsers_run_is_found_wherever_the_head_holds_it(head: bytes, more: bytes, code: bytes) -> None:
    content = head[: HEAD - 500] + more + code
    with suppress(UnsupportedMedia):
        assert media_type(content[-HEAD:], None, "") == "message/rfc822"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.encode))
def test_texts_are_texts_or_markup(content: bytes) -> None:
    try:
        assert media_type(content, None, "") in ("text/plain", "message/rfc822")
    except UnsupportedMedia:
        assert b"<" in content or b"#!" in content or content == b"\xef\xbb\xbf"


def test_nothing_is_read_from_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(builtins, "open", opened)
    monkeypatch.setattr(io, "open", opened)
    monkeypatch.setattr("os.open", opened)
    for head, type in TAKEN:
        assert media_type(head[:HEAD], None, "a") == type


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\photo.jpg", "photo.jpg"),
        ("照片 1.jpg", "照片 1.jpg"),
        ("  a \t\r\n b .txt ", "a b .txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("a\x00b\x7f\x9fc\u2066\u200f.pdf", "abc.pdf"),
        ("a\u2028b\u00a0c.txt", "a b c.txt"),
        ("e\u0301.txt", "\u00e9.txt"),
        (".htaccess", "htaccess"),
        ("a.exe. .", "a.exe"),
        ('a"b<c>:d|e?f*.txt', "a_b_c__d_e_f_.txt"),
        ("\ud800.txt", "txt"),
        ("", "file"),
        ("...", "file"),
        ("a/", "file"),
        ("\u202e\u200b", "file"),
        ("a" * 300 + ".jpeg", "a" * 115 + ".jpeg"),
        ("a." + "b" * 300, "a." + "b" * 118),
        ("." + "b" * 300, "b" * 120),
    ],
)
def test_a_name_is_made_safe(name: str, shown: str) -> None:
    assert safe_name(name) == shown


@given(st.text() | st.text("./\\ \u0301e\u202eé<:\t", max_size=400))
@example("a" * 118 + ". .b")
@example("a" * 115 + ".\u0301jpeg")
def test_a_safe_name_is_safe_and_stays_as_it_is(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe) <= NAME_LENGTH
    assert not set(safe) & set('/\\<>:"|?*')
    assert all(each == " " or unicodedata.category(each)[0] not in "CZ" for each in safe)
    assert safe == safe.strip(" .")
    assert safe_name(safe) == safe
    safe.encode()
