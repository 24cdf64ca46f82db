"""What webhooks may reach: nothing inside the house, in whatever form it is written."""

import asyncio
import threading
from ipaddress import IPv4Address, IPv6Address

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.channels import guard
from services.notify.channels.guard import Crowded, Guarded, Lookups, Refused, check
from services.notify.domain.addresses import may_reach, networks
from shared.problems import Invalid, TooManyRequests
from tests.kit.doors import settled

INSIDE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "168.63.129.16",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "fec0::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001::1", "2001:db8::1", "100::1", "3fff::1", "5f00::1",
]  # fmt: skip
OUTSIDE = ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_never_reached(address: str) -> None:
    assert not may_reach(address, (), tls=True)


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_outside_is_reached_by_tls_alone(address: str) -> None:
    assert may_reach(address, (), tls=True)
    assert not may_reach(address, (), tls=False)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_form(address: IPv4Address) -> None:
    forms = [f"::ffff:{address}", str(IPv6Address(int(IPv6Address("64:ff9b::")) + int(address)))]
    assert {may_reach(each, (), tls=True) for each in forms} == {may_reach(str(address), (), tls=True)}
    assert not may_reach(str(IPv6Address((0x2002 << 112) + (int(address) << 80))), (), tls=True)


@given(st.ip_addresses(v=4))
def test_nothing_private_is_reached_whatever_it_is(address: IPv4Address) -> None:
    if address.is_private or address.is_multicast or address.is_link_local or address.is_loopback:
        assert not may_reach(str(address), (), tls=True)


def test_an_operator_opens_networks_and_no_more() -> None:
    opened = networks("10.1.0.0/16, fd00::/8")
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1"):
        assert may_reach(address, opened, tls=False)
    assert not may_reach("10.2.0.1", opened, tls=True)
    assert networks("") == ()


# names


async def names(host: str, port: int) -> list[str]:
    """A name server: `public.test` is outside, `inside.test` is not, `both.test` is one and the other."""
    known = {
        "public.test": ["93.184.216.34"],
        "inside.test": ["127.0.0.1"],
        "both.test": ["93.184.216.34", "10.0.0.1"],
        "six.test": ["::ffff:169.254.169.254"],
    }
    if host in known:
        return known[host]
    return await guard.resolve(host, port)


@pytest.mark.parametrize(
    "url",
    [
        "https://public.test/hooks",
        "https://public.test:8443/hooks?a=b",
        "https://93.184.216.34/",
    ],
)
async def test_such_urls_are_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with settled(monkeypatch):
        await check(url, "shop", names)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://public.test/", "https://"),
        ("ftp://public.test/", "https://"),
        ("public.test/hooks", "https://"),
        ("https://", "https://"),
        ("https://user:pw@public.test/", "password"),
        ("https://user@public.test/", "password"),
        ("https://public.test/#part", "fragment"),
        ("https://public.test:22/", "port"),
        ("https://public.test:25/", "port"),
        ("https://public.test:99999/", "port"),
        ("https://public.test:0/", "port"),
        ("https://inside.test/", "address"),
        ("https://both.test/", "address"),
        ("https://six.test/", "address"),
        ("https://localhost/", "address"),
        ("https://127.0.0.1/", "address"),
        ("https://[::1]/", "address"),
        ("https://[::ffff:7f00:1]/", "address"),
        ("https://2130706433/", "address"),
        ("https://0x7f000001/", "address"),
        ("https://127.1/", "address"),
        ("https://169.254.169.254/latest/meta-data/", "address"),
        ("https://no-such-name.invalid/", "address"),
        ("https://public.test/ä", "ASCII"),
        ("https://public.test/a\tb", "such as"),
        ("https://public.test\\@inside.test/", ""),
    ],
)
async def test_such_urls_are_refused_with_the_mend(
    url: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with settled(monkeypatch), pytest.raises(Invalid) as refused:
        await check(url, "shop", names)
    assert word in refused.value.errors[0].detail
    assert refused.value.errors[0].pointer == "#/url"


async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads outside when it is looked at, and inside a moment later, never leads inside."""
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    reached = list[str]()

    async def changing(host: str, port: int) -> list[str]:
        return answers.pop(0)

    class Line:
        async def connect_tcp(self, address: str, *rest: object) -> None:
            reached.append(address)

    backend = Guarded(changing, tls=True)
    monkeypatch.setattr(backend, "_plain", Line())
    with settled(monkeypatch):
        await backend.connect_tcp("changing.test", 443)
        assert (reached, len(answers)) == (["93.184.216.34"], 1), "looked up once, and gone to that address"
        with pytest.raises(Refused):
            await backend.connect_tcp("changing.test", 443)
    assert len(reached) == 1


async def test_lookups_that_hang_are_few_of_one_caller_and_take_none_from_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hangs = threading.Event()

    def look_up(host: str, port: int) -> list[str]:
        if host.endswith("hangs.test"):
            hangs.wait(30)
        return ["93.184.216.34"]

    monkeypatch.setattr(guard, "_look_up", look_up)
    lookups = Lookups(3, 2)
    try:
        first = [asyncio.create_task(lookups.resolve(f"{n}.hangs.test", 443, "shop")) for n in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Crowded):
            await lookups.resolve("well.test", 443, "shop")
        assert await lookups.resolve("well.test", 443, "rival")
        same = asyncio.create_task(lookups.resolve("0.hangs.test", 443, "shop"))
        other = asyncio.create_task(lookups.resolve("9.hangs.test", 443, "rival"))
        await asyncio.sleep(0)
        with pytest.raises(Crowded):
            await lookups.resolve("well.test", 443, "third")
        hangs.set()
        await asyncio.gather(*first, same, other)
        assert await lookups.resolve("well.test", 443, "shop")
    finally:
        hangs.set()


async def test_a_caller_whose_names_hang_is_asked_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()
    monkeypatch.setattr(guard, "_look_up", lambda host, port: hangs.wait(30) and ["93.184.216.34"])
    monkeypatch.setattr(guard, "LOOKUP_S", 0.05)
    monkeypatch.setattr(guard, "_checks", Lookups(8, 2))
    try:
        with settled(monkeypatch):
            for number in range(2):
                with pytest.raises(Invalid, match="sent there"):
                    await check(f"https://{number}.hangs.test/", "shop")
            with pytest.raises(TooManyRequests):
                await check("https://2.hangs.test/", "shop")
    finally:
        hangs.set()


def test_the_library_that_parses_and_the_guard_see_the_same_host() -> None:
    assert httpx.URL("https://2130706433/").host == "2130706433"
