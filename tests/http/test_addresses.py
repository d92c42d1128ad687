"""Decisions on which addresses may be connected to."""

from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.http.addresses import is_allowed

PRIVATE = [ip_network(net) for net in ("127.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")]  # fmt: skip


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_allowed(address):
    assert is_allowed(address, ())


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 255.255.255.255
    224.0.0.1 192.0.2.1 198.18.0.1 240.0.0.1 :: ::1 fe80::1 fe80::1%eth0 fc00::1 ff02::1 2001:db8::1
    ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::7f00:1 2002:7f00:1:: ::ffff:0:7f00:1
    2001:0:7f00:1::1 fec0::1 3fff::1 4000::1 localhost 2130706433 garbage""".split(),
)
def test_other_addresses_are_refused(address):
    assert not is_allowed(address, ())


@given(
    st.sampled_from(PRIVATE).flatmap(
        lambda net: st.integers(0, net.num_addresses - 1).map(lambda n: net[n])
    )
)
def test_no_form_of_a_private_address_is_allowed(address):
    assert isinstance(address, IPv4Address)
    number = int(address)
    for form in (str(address), f"::ffff:{address}", f"64:ff9b::{address}", f"::{address}",
                 f"2002:{number >> 16:x}:{number & 0xFFFF:x}::"):  # fmt: skip
        assert not is_allowed(form, ())
        if form in {str(address), f"::ffff:{address}"}:
            assert is_allowed(form, [ip_network(f"{address}/32")])


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("::ffff:10.1.2.3", "10.0.0.0/8"),
        ("64:ff9b::10.1.2.3", "10.0.0.0/8"),
        ("::1", "::1/128"),
        ("fd00::1", "fd00::/8"),
        ("fe80::1%eth0", "fe80::/10"),
    ],
)
def test_addresses_in_allowed_networks_are_allowed(address, network):
    assert is_allowed(address, [ip_network("192.168.0.0/16"), ip_network(network)])
    assert not is_allowed(address, [ip_network("192.168.0.0/16"), ip_network("fc00::/16")])


@pytest.mark.parametrize(
    ("address", "network"),
    [
        # Teredo: the server 10.1.0.1 is allowed, the client 192.168.1.1 behind it is not.
        ("2001:0:a01:1::3f57:fefe", "10.1.0.0/16"),
        ("64:ff9b::10.0.0.1", "64:ff9b::/96"),
        ("::ffff:10.0.0.1", "::ffff:0:0/96"),
    ],
)
def test_an_allowed_network_does_not_allow_addresses_beside_or_behind_it(address, network):
    assert not is_allowed(address, [ip_network(network)])


@given(st.text())
def test_any_text_is_accepted_or_refused(text):
    assert is_allowed(text, ()) in {True, False}
