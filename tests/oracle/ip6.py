"""Takes a list of texts and says of each what Python's ipaddress makes of it:
as an address, as a prefix, as an interface, and how it prints the address."""
import ipaddress
import json
import sys


def attempt(build):
    try:
        return build()
    except ValueError:
        return "-"


def network(text):
    value = ipaddress.IPv6Network(text)
    return "%s/%d" % (value.network_address.packed.hex(), value.prefixlen)


def interface(text):
    value = ipaddress.IPv6Interface(text)
    return "%s/%d" % (value.packed.hex(), value.network.prefixlen)


json.dump([{
    "address": attempt(lambda: ipaddress.IPv6Address(text).packed.hex()),
    "prefix": attempt(lambda: network(text)),
    "interface": attempt(lambda: interface(text)),
    "shown": attempt(lambda: str(ipaddress.IPv6Address(text))),
} for text in json.load(sys.stdin)], sys.stdout)
