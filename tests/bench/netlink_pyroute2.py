"""pyroute2 doing what netlink_peer.c does, one call a request; prints the
seconds of CPU."""
import sys
import time
from socket import AF_INET6

from pyroute2 import IPRoute

action, kind = sys.argv[1:3]
with IPRoute() as ip:
    start = time.process_time()
    if action == "dump":
        found = ip.get_routes(family=AF_INET6) if kind == "route" else ip.get_addr(family=AF_INET6)
        count = len(list(found))
    else:
        link = ip.link_lookup(ifname=sys.argv[4])[0]
        with open(sys.argv[3]) as lines:
            for line in lines:
                text = line.strip()
                if kind == "route":
                    ip.route(action if action == "add" else "del", dst=text, oif=link, family=AF_INET6)
                else:
                    address, length = text.split("/")
                    ip.addr(action, index=link, address=address, prefixlen=int(length), family=AF_INET6,
                            IFA_FLAGS=int(sys.argv[5]))
    print("%.9f" % (time.process_time() - start))
