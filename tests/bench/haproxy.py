#!/usr/bin/python3
"""What signing adds to a request through HAProxy: the same proxy, with and without.

usage: haproxy.py REQUESTS

Runs scripts/examples/haproxy/sign.lua in HAProxy with two threads; two frontends, one signs,
lead to a third that answers by itself. One client asks them in turn over kept
connections; compared are the medians of what it waited, and of the CPU time that the
proxy spent, which other programs on the machine disturb less.
"""
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

CONFIG = """
global
    nbthread 2
    tune.lua.maxmem 16
    lua-prepend-path {tree}/lua/?.lua
    lua-prepend-path {tree}/lua/?/init.lua
    lua-prepend-path {tree}/build/release/lua5.3/?.so cpath
    lua-load-per-thread {tree}/scripts/examples/haproxy/sign.lua
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option http-buffer-request
frontend signed
    bind {folder}/signed
    http-request deny deny_status 413 if {{ req.body_size gt 15000 }}
    http-request del-header authorization
    http-request del-header x-amz-date
    http-request del-header x-amz-security-token
    http-request lua.sign
    default_backend target
frontend plain
    bind {folder}/plain
    default_backend target
backend target
    server target unix@{folder}/target
frontend target
    bind {folder}/target
    http-request return status 200 content-type text/plain string ok
"""
REQUEST = (
    b"GET /?Action=DescribeInstances&Version=2016-11-15&MaxResults=100 HTTP/1.1\r\n"
    b"Host: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
)


def connect(path):
    deadline = time.monotonic() + 10
    while True:
        try:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(path)
            return connection
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def seconds(connection):
    began = time.perf_counter()
    connection.sendall(REQUEST)
    answer = connection.recv(65536)
    while not answer.endswith(b"ok"):
        answer += connection.recv(65536)
    took = time.perf_counter() - began
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return took


def waited(connections, requests):
    """Microseconds of a request, at the median; one of each kind in turn."""
    times = {name: [] for name in connections}
    for _ in range(requests):
        for name, connection in connections.items():
            times[name].append(seconds(connection))
    return {name: statistics.median(list_) * 1e6 for name, list_ in times.items()}


def cpu_microseconds(pid):
    """Of all threads of a process; the kernel counts nanoseconds."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1000


def spent(connections, requests, pid):
    """Microseconds of CPU that a request takes, at the median of 20 blocks of each kind."""
    blocks = {name: [] for name in connections}
    for _ in range(20):
        for name, connection in connections.items():
            before = cpu_microseconds(pid)
            for _ in range(requests // 20):
                seconds(connection)
            blocks[name].append((cpu_microseconds(pid) - before) / (requests // 20))
    return {name: statistics.median(list_) for name, list_ in blocks.items()}


def show(what, medians):
    plain, signed = medians["plain"], medians["signed"]
    print(f"haproxy: {what}: {plain:.1f} us, signed {signed:.1f} us: "
          f"signing adds {signed - plain:.1f} us, ratio {signed / plain:.2f}")


with tempfile.TemporaryDirectory() as folder:
    with open(f"{folder}/cfg", "w") as config:
        config.write(CONFIG.format(tree=os.getcwd(), folder=folder))
    with open(f"{folder}/credentials", "w") as credentials:
        credentials.write("AKIDEXAMPLE\nwJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n")
    environment = dict(os.environ, CREDENTIALS=f"{folder}/credentials", AWS_REGION="us-east-1")
    proxy = subprocess.Popen(["haproxy", "-q", "-f", f"{folder}/cfg"], env=environment)
    try:
        connections = {name: connect(f"{folder}/{name}") for name in ("plain", "signed")}
        waited(connections, 1000)
        show("a request", waited(connections, int(sys.argv[1])))
        show("CPU time of the proxy", spent(connections, int(sys.argv[1]), proxy.pid))
    finally:
        proxy.terminate()
        proxy.wait()
