"""Addresses that webhooks may reach: global ones, and private ones that the operator lets them reach.

Source: IANA's registries of special-purpose addresses; RFC 4291, RFC 6052 and RFC 8215 for IPv4 inside IPv6.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

GLOBAL_V6 = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
NEVER = tuple(
    ip_network(each)
    for each in (
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays from IPv6 to IPv4
        "168.63.129.16/32",  # a cloud's own services, at a global address
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
"""Global by their numbers, yet special: tunnels, documentation, a cloud's inside."""
USUAL_PORT = 443
FREE_PORTS = range(1_024, 65_536)


def networks(setting: str) -> tuple[Network, ...]:
    """Networks as the setting names them, by commas. Raises ValueError."""
    return tuple(ip_network(each.strip()) for each in setting.split(",") if each.strip())


def plain(text: str) -> Address:
    """An address; one of IPv4 that is written in IPv6 as what it stands for. Raises ValueError."""
    found = ip_address(text.partition("%")[0])
    if isinstance(found, IPv4Address):
        return found
    if found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return IPv4Address(int(found) & 0xFFFFFFFF) if found in NAT64 else found


def is_within(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether the operator lets webhooks reach this, whatever it is."""
    return any(address in network for network in allowed)


def is_global(address: Address) -> bool:
    """Whether this is somebody's ordinary address in the open internet."""
    if isinstance(address, IPv6Address) and address not in GLOBAL_V6:
        return False
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not special and not is_within(address, NEVER)


def may_reach(text: str, allowed: Sequence[Network], *, tls: bool) -> bool:
    """Whether webhooks may go to this address: without TLS only where the operator lets them."""
    address = plain(text)
    return is_within(address, allowed) or (tls and is_global(address))


def is_usual(port: int) -> bool:
    """Whether this is a port where web servers are, not one of the machine's other services."""
    return port == USUAL_PORT or port in FREE_PORTS
