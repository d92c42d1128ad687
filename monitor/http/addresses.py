"""Which addresses of the network may be connected to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

# IPv6 ranges that lead to an IPv4 address: that one decides. Python calls most of them global.
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = ip_network("::/96")  # RFC 4291, section 2.5.5.1
_TRANSLATED = ip_network("::ffff:0:0:0/96")  # RFC 2765, section 2.1
# All that IANA has given out for the public network; Python calls others global, such as the
# site-local fec0::/10.
_UNICAST = ip_network("2000::/3")  # RFC 4291, section 2.4
_DOCUMENTATION = ip_network("3fff::/20")  # RFC 9637, which Python 3.11 does not know


def is_allowed(address: str, allowed: Sequence[Network]) -> bool:
    """Whether a numeric address is public, or in one of the networks allowed."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    reached = _reached(parsed)
    if _within(reached[0], allowed):
        return True
    # Of several, one that is allowed does not open the others.
    return all(_is_public(one) or _within(one, allowed) for one in reached)


def _within(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address.version == net.version and address in net for net in networks)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and (address.version == 4 or (address in _UNICAST and address not in _DOCUMENTATION))  # noqa: PLR2004
    )


def _reached(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The addresses that decide: one that it stands for, or it and those it names."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64:
        # Where IPv6 is all there is, this is how public IPv4 sites are reached.
        return [last]
    if address in _COMPATIBLE or address in _TRANSLATED:
        return [address, last]
    named = [address.sixtofour, *(address.teredo or ())]
    return [address, *(one for one in named if one is not None)]
