"""Addresses that are not the public internet: a table of our own.

`ipaddress.is_global` differs from one Python to the next, and takes metadata services of clouds for
public. Sources: the IANA registries of special-purpose addresses for IPv4 and IPv6 (2025-10), RFC
4291 (the IPv6 space), and the documents of the clouds named.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SPECIAL_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; 100.100.100.200 is Alibaba's metadata service
        "127.0.0.0/8",  # this host
        "168.63.129.16/32",  # Azure's metadata service and name server
        "169.254.0.0/16",  # link-local; 169.254.169.254 is most clouds' metadata service
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocols; 192.0.0.192 is Oracle's metadata service
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112, a sink for lost questions
        "192.52.193.0/24",  # relays of multicast (AMT)
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Of IPv6 one eighth is in use for the public internet, and this is not public within it. What lies outside
# (::1, fc00::/7, fe80::/10, fec0::/10, ff00::/8, 5f00::/16, 64:ff9b:1::/48, ::ffff:0:0:0/96 …) needs no line.
PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
SPECIAL_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocols, with Teredo (2001::/32) and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: a tunnel to whatever IPv4 address is inside
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
# These lead to the IPv4 address in their last 32 bits, which is the one to be checked.
WRAPPERS = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))


def unwrapped(ip: Address) -> Address:
    """Return the IPv4 address that a mapped or translated IPv6 address leads to; any other as it is."""
    if isinstance(ip, ipaddress.IPv6Address) and any(ip in wrapper for wrapper in WRAPPERS):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def is_public(ip: Address) -> bool:
    """Return True if `ip` leads to the public internet and to nothing else."""
    ip = unwrapped(ip)
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in SPECIAL_V4)
    return ip in PUBLIC_V6 and not any(ip in network for network in SPECIAL_V6)
