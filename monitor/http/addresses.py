"""Decides which network addresses may be connected to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

# IPv6 ranges whose addresses contain an IPv4 address, which decides. To Python most are global.
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = ip_network("::/96")  # RFC 4291, section 2.5.5.1
_TRANSLATED = ip_network("::ffff:0:0:0/96")  # RFC 2765, section 2.1
# All that IANA has assigned to the public network; to Python others are global, too, such as the
# site-local fec0::/10.
_UNICAST = ip_network("2000::/3")  # RFC 4291, section 2.4
_DOCUMENTATION = ip_network("3fff::/20")  # RFC 9637, unknown to Python 3.11


def is_allowed(address: str, allowed: Sequence[Network]) -> bool:
    """Returns whether a numeric address is public, or in one of the allowed networks."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    decisive = _decisive(parsed)
    if _within(decisive[0], allowed):
        return True
    # All of them must be allowed: a single one does not vouch for the others.
    return all(_is_public(other) or _within(other, allowed) for other in decisive)


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


def _decisive(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """Returns the addresses that decide: the one it maps to, or itself and those it contains."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64:
        # In networks with nothing but IPv6, public IPv4 sites are reached like this.
        return [last]
    if address in _COMPATIBLE or address in _TRANSLATED:
        return [address, last]
    tunnelled = [address.sixtofour, *(address.teredo or ())]
    return [address, *(inner for inner in tunnelled if inner is not None)]
