"""netaddr's part of blocks.lua: SUBNET ADDRESSES OPERATIONS. An IPSet of what is
in use, one of what is free, from which the first block that is large enough is
cut, and to which it is given back. Prints seconds for one operation."""
import random
import statistics
import sys
import time

import netaddr


def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def timed(action):
    start = time.process_time()
    result = action()
    return time.process_time() - start, result


def allocate(free):
    for block in free.iter_cidrs():
        if block.prefixlen <= 126:
            taken = next(block.subnet(126))
            free.remove(taken)
            return taken


subnet = netaddr.IPNetwork(sys.argv[1])
count, operations = int(sys.argv[2]), int(sys.argv[3])
before = resident()
load, used = timed(lambda: netaddr.IPSet(
    netaddr.IPAddress(subnet.first + random.getrandbits(64)) for _ in range(count)))
print("bytes", (resident() - before) / count)
print("load", load / count)
free = netaddr.IPSet([subnet]) - used
allocated = [timed(lambda: allocate(free)) for _ in range(operations)]
released = [timed(lambda: free.add(block))[0] for _, block in allocated]
print("allocate", statistics.median(seconds for seconds, _ in allocated))
print("release", statistics.median(released))
