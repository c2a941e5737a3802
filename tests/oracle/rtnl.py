"""Takes a list of {kind, bytes (in hexadecimal)} and says of each what pyroute2
reads in it: attributes by name, and the fixed header's fields."""
import json
import sys

from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

CLASSES = {"link": ifinfmsg, "address": ifaddrmsg, "route": rtmsg, "neighbour": ndmsg, "rule": fibmsg}


def plain(value):
    """Dictionaries with their attributes among the rest, by name."""
    if isinstance(value, dict):
        flat = {key: plain(each) for key, each in value.items() if key not in ("attrs", "__align", "header")}
        flat.update({slot.name: plain(slot.value) for slot in map(as_slot, value.get("attrs", []))})
        return flat
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value.hex() if isinstance(value, bytes) else value


class as_slot:
    """Slots are pairs that are no tuples."""
    def __init__(self, slot):
        self.name, self.value = slot[0], slot[1]


def read(case):
    message = CLASSES[case["kind"]](bytes.fromhex(case["bytes"]))
    message.decode()
    return plain(message)


json.dump([read(case) for case in json.load(sys.stdin)], sys.stdout)
