"""What a file of complaints becomes before the demo posts it, and what the reader says about the rest."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.local.samples import CHANNELS, LONGEST, SampleError, Samples, read

OURS = Path(__file__).parents[2] / "samples" / "complaints.jsonl"
OWN: dict[str, Any] = {
    "channel": "hotline",
    "class": "service",
    "language": "en",
    "received_at": "2026-03-02T09:30:00+08:00",
    "complainant": {"name": "Nell Harrowgate", "phone": "+44 7700 900777"},
    "product": {"name": "Copper lamp"},
    "description": "The lamp hums all night.",
    "demand": {"type": "refund", "amount": {"value": "12.50", "currency": "GBP"}},
    "loss": {"value": "3.00", "currency": "GBP"},
    "facts": {"injured": 0, "urgent": True},
    "play": {"score": 2, "second_score": 9, "slow": True},
}


def lines(folder: Path, *rows: object) -> Samples:
    file = folder / "rows.jsonl"
    said = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join(said), encoding="utf-8")
    return read(file)


def one(folder: Path, **row: Any) -> dict[str, Any]:
    samples = lines(folder, {"text": "The lid sticks."} | row)
    assert samples.rejected == []
    return samples.complaints[0]


def sheet(folder: Path, *rows: Mapping[str, object], delimiter: str = ",") -> Samples:
    file = folder / "rows.csv"
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return read(file)


def test_our_samples_cover_every_channel_class_and_language() -> None:
    samples = read(OURS)
    assert (samples.rejected, dict(samples.unmapped), dict(samples.assumed)) == ([], {}, {})
    assert {complaint["channel"] for complaint in samples.complaints} == set(CHANNELS)
    assert len(CHANNELS) == 24
    classes = {complaint.get("class") for complaint in samples.complaints}
    assert classes == {"product_quality", "usage", "service", "other", None}
    assert {complaint["language"] for complaint in samples.complaints} == {"zh-CN", "en"}


def test_our_samples_hold_what_the_demo_plays() -> None:
    plays = [complaint["play"] for complaint in read(OURS).complaints if "play" in complaint]
    low = [play for play in plays if play["score"] < 5]
    assert 2 <= len(low) <= 3
    assert all(play["second_score"] == 9 for play in low)
    assert sum(play.get("slow", False) for play in plays) == 2


def test_a_row_of_our_own_form_passes_untouched(tmp_path: Path) -> None:
    samples = lines(tmp_path, OWN)
    assert samples.complaints == [OWN]
    assert not samples.assumed


def test_a_field_too_many_is_told_and_the_rest_of_our_form_stays(tmp_path: Path) -> None:
    samples = lines(tmp_path, OWN | {"mood": "cross"})
    kept = OWN | {"facts": {"urgent": True}}
    assert samples.complaints == [kept]
    assert samples.unmapped == {"mood": 1}


@pytest.mark.parametrize(
    ("word", "channel"),
    [
        ("Web", "website"),
        ("Phone", "hotline"),
        ("Postal mail", "letter"),
        ("Fax", "fax"),
        ("Referral", "regulator"),
        ("API", "app"),
        ("walk-in", "visitor"),
        ("电话", "hotline"),
        ("微信", "wechat"),
        ("消费者协会", "consumer_association"),
        ("meeting_minutes", "meeting_minutes"),
    ],
)
def test_channel_words(tmp_path: Path, word: str, channel: str) -> None:
    assert one(tmp_path, channel=word)["channel"] == channel


def test_an_unknown_channel_becomes_the_website_and_is_told(tmp_path: Path) -> None:
    samples = lines(tmp_path, {"text": "No signal.", "channel": "pigeon"}, {"text": "No sound."})
    assert [complaint["channel"] for complaint in samples.complaints] == ["website", "website"]
    assert samples.unmapped == {"channel": 1}
    assert samples.assumed["channel not known: website"] == 2


def test_title_and_text_are_joined_once(tmp_path: Path) -> None:
    assert one(tmp_path, title="Lid", text="It sticks.")["description"] == "Lid\nIt sticks."
    assert one(tmp_path, title="It", text="It sticks.")["description"] == "It sticks."
    assert lines(tmp_path, {"issue": "Late parcel"}).complaints[0]["description"] == "Late parcel"


def test_a_type_without_any_text_stands_for_it_and_is_told(tmp_path: Path) -> None:
    samples = lines(tmp_path, {"type": "Broken lamp post"})
    assert samples.complaints[0]["description"] == "Broken lamp post"
    assert samples.assumed["no text: its type stands for it"] == 1


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2024-05-06", "2024-05-06T00:00:00+00:00"),
        ("20240506", "2024-05-06T00:00:00+00:00"),
        ("2024/5/6 7:08", "2024-05-06T07:08:00+00:00"),
        ("2024年5月6日 17:08:09", "2024-05-06T17:08:09+00:00"),
        ("2024-05-06T07:08:09+08:00", "2024-05-06T07:08:09+08:00"),
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09+00:00"),
    ],
)
def test_dates(tmp_path: Path, written: str, read_as: str) -> None:
    assert one(tmp_path, created=written)["received_at"] == read_as


@pytest.mark.parametrize("written", ["05/06/2024", "2024-13-01", "yesterday", 1700000000, True])
def test_a_date_that_may_mean_two_days_or_none_is_told(tmp_path: Path, written: object) -> None:
    samples = lines(tmp_path, {"text": "No light.", "date": written})
    assert "received_at" not in samples.complaints[0]
    assert samples.unmapped == {"date": 1}


def test_a_date_without_an_offset_is_told(tmp_path: Path) -> None:
    told = "date without an offset: read as UTC"
    assert lines(tmp_path, {"text": "Dim.", "date": "2024-05-06"}).assumed[told] == 1
    assert told not in lines(tmp_path, {"text": "Dim.", "date": "2024-05-06T01:00Z"}).assumed


@pytest.mark.parametrize(
    ("row", "loss"),
    [
        ({"amounts_usd": [20, 3500.0]}, ("3500.00", "USD")),
        ({"amount": "£1,204.5"}, ("1204.50", "GBP")),
        ({"损失": "300元"}, ("300.00", "CNY")),
        ({"loss": 12, "currency": "EUR"}, ("12.00", "EUR")),
        ({"loss": "88"}, ("88.00", "CNY")),
    ],
)
def test_money(tmp_path: Path, row: dict[str, Any], loss: tuple[str, str]) -> None:
    assert one(tmp_path, **row)["loss"] == {"value": loss[0], "currency": loss[1]}


@pytest.mark.parametrize("written", ["12,50", "-4", "4 kg", "lots", True, "9" * 40, [[1]], float("nan")])
def test_what_is_no_amount_is_told(tmp_path: Path, written: object) -> None:
    samples = lines(tmp_path, {"text": "No heat.", "loss": written})
    assert "loss" not in samples.complaints[0]
    assert samples.unmapped == {"loss": 1}


def test_an_amount_without_a_currency_and_a_list_of_amounts_are_told(tmp_path: Path) -> None:
    assumed = lines(tmp_path, {"text": "No heat.", "loss": [5, 7]}).assumed
    assert assumed["amount without a currency: read as CNY"] == 1
    assert assumed["several amounts: the largest taken"] == 1


def test_a_type_is_a_class_only_if_it_is_one_of_the_four(tmp_path: Path) -> None:
    assert one(tmp_path, type="usage")["class"] == "usage"
    assert one(tmp_path, category="服务态度")["class"] == "service"
    samples = lines(tmp_path, {"text": "No heat.", "category": "stoves"})
    assert "class" not in samples.complaints[0]
    assert samples.unmapped == {"category": 1}


def test_facts_from_columns_and_tags(tmp_path: Path) -> None:
    row = {"injured": "2", "deaths": 0, "fire": "True", "crash": True, "tags": "Food safety; green"}
    wanted = {"injured": 2, "fire": True, "urgent": True, "food_safety": True}
    assert one(tmp_path, **row)["facts"] == wanted
    assert "facts" not in one(tmp_path, injured=0, fire=False)
    assert one(tmp_path, injured=True)["facts"] == {"injured": 1}


def test_product_from_its_parts(tmp_path: Path) -> None:
    row = {"make": "Ostrel", "component": "Hinge", "model": "H2", "batch": 7}
    assert one(tmp_path, **row)["product"] == {"name": "Ostrel / Hinge", "model": "H2", "batch": "7"}


@pytest.mark.parametrize(
    ("text", "language"),
    [("The tap drips.", "en"), ("水龙头漏水", "zh-CN"), ("我买的 LED lamp 不亮了", "zh-CN"), ("12345", "en")],
)
def test_language_from_the_script(tmp_path: Path, text: str, language: str) -> None:
    assert one(tmp_path, text=text)["language"] == language


def test_a_masked_row_gets_a_person_who_can_be_reached(tmp_path: Path) -> None:
    assert one(tmp_path, channel="web")["complainant"].keys() == {"name", "email"}
    assert one(tmp_path, channel="post")["complainant"].keys() == {"name", "email", "address"}
    assert one(tmp_path, channel="phone")["complainant"].keys() == {"name", "email", "phone"}
    assert one(tmp_path)["complainant"]["email"] == "sample.person.1@example.com"


def test_a_known_person_is_kept(tmp_path: Path) -> None:
    person = one(tmp_path, name="Ida Fenn", email="ida@example.org")["complainant"]
    assert person == {"name": "Ida Fenn", "email": "ida@example.org"}


def test_a_description_too_long_is_cut_and_told(tmp_path: Path) -> None:
    samples = lines(tmp_path, OWN | {"description": "x" * (LONGEST + 1)})
    assert samples.complaints[0]["description"] == "x" * LONGEST
    assert samples.assumed == {"description over 10,000 characters: cut": 1}


def test_broken_rows_are_rejected_with_their_line(tmp_path: Path) -> None:
    samples = lines(
        tmp_path, "{half", OWN, "", [1], {"agency": "Parks"}, {"text": " "}, '{"text": "\\ud800"}', "[" * 5000
    )
    assert len(samples.complaints) == 1
    assert [line for line, _ in samples.rejected] == [1, 4, 5, 6, 7, 8]
    reasons = [reason.split(" (")[0] for _, reason in samples.rejected]
    assert reasons[:4] == ["not JSON", "not an object", *["no text and no issue or title"] * 2]


def test_a_line_separator_inside_a_text_is_no_new_line(tmp_path: Path) -> None:
    assert one(tmp_path, text="up\u2028down")["description"] == "up\u2028down"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_sheet_reads_like_lines(tmp_path: Path, delimiter: str) -> None:
    row = {
        "Date received": "2024-05-06",
        "内容": 'It said "no",\nand; stopped|there',
        "渠道": "微信",
        "id": 4,
    }
    samples = sheet(tmp_path, row, delimiter=delimiter)
    assert samples.complaints == lines(tmp_path, "", row).complaints
    assert samples.complaints[0]["channel"] == "wechat"
    assert samples.unmapped == {"id": 1}


def test_a_sheet_may_hold_our_own_form_with_dotted_headings(tmp_path: Path) -> None:
    row = {"channel": "store", "language": "en", "description": "Torn.", "complainant.name": "Ida Fenn"}
    more = {
        "complainant.phone": "+44 7700 900100",
        "demand.type": "repair",
        "facts.injured": "1",
        "play.score": 3,
    }
    complaint = sheet(tmp_path, row | more).complaints[0]
    assert complaint["complainant"] == {"name": "Ida Fenn", "phone": "+44 7700 900100"}
    assert (complaint["demand"], complaint["facts"], complaint["play"]) == (
        {"type": "repair"},
        {"injured": 1},
        {"score": 3},
    )


def test_a_sheet_row_with_more_cells_than_headings_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,channel\nfine,web,\nno, not fine,web\n" + "y" * 200_000 + "\n", encoding="utf-8")
    samples = read(file)
    assert [complaint["description"] for complaint in samples.complaints] == ["fine", "y" * LONGEST]
    assert [line for line, _ in samples.rejected] == [3]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.jsonl", b"", "is empty"),
        ("blank.csv", b"\xef\xbb\xbf \r\n\n", "is empty"),
        ("headings.csv", b"text,channel\n", "holds no rows"),
        ("strange.csv", b"colour,size\nred,4\n", "headings"),
        ("noise.jsonl", b"\x80\xff\x00\x01", "not UTF-8"),
        ("zeros.csv", b"text\0channel", "binary"),
        ("random.bin", bytes(range(128, 256)) * 8, "UTF-8"),
    ],
)
def test_a_file_of_no_use_says_what_to_do(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SampleError, match=told):
        read(tmp_path / name)


def test_a_missing_file_and_a_folder_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match=r"does not exist. Give the path of a \.jsonl or \.csv file"):
        read(tmp_path / "nowhere.jsonl")
    with pytest.raises(SampleError, match="cannot be read"):
        read(tmp_path)
