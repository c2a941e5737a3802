#!/usr/bin/python3
"""scripts/lib/terminal.lua asks on the terminal, shows nothing of what is typed, and leaves the echo on."""
import os
import pty
import select
import signal
import subprocess
import termios
import time

CODE = 'package.path = "scripts/lib/?.lua;" .. package.path; print("got", require("terminal").ask("Code: "))'
ENV = dict(os.environ, LUA_PATH="lua/?.lua;lua/?/init.lua;;", LUA_CPATH="build/release/lua5.4/?.so;;")
number = 0


def report(ok, name, seen=""):
    global number
    number += 1
    print(f"{'ok' if ok else 'not ok'} {number} - {name}" + ("" if ok else f"\n# {seen!r}"))


def read_until(fd, text, seconds=20):
    seen, end = b"", time.monotonic() + seconds
    while text not in seen and time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                seen += os.read(fd, 1000)
            except OSError:
                break
    return seen


def echo_is_on(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def start():
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe("lua5.4", ["lua5.4", "-e", CODE], ENV)
    return pid, fd


pid, fd = start()
seen = read_until(fd, b"Code: ")
report(b"Code: " in seen, "asks", seen)
report(not echo_is_on(fd), "has the echo off meanwhile")
os.write(fd, b"654321\n")
seen = read_until(fd, b"654321")
report(b"got\t654321" in seen and seen.count(b"654321") == 1, "takes what is typed and does not show it", seen)
report(echo_is_on(fd), "puts the echo back")
os.waitpid(pid, 0)

pid, fd = start()
read_until(fd, b"Code: ")
os.write(fd, b"\x03")
end = time.monotonic() + 10
while not echo_is_on(fd) and time.monotonic() < end:
    time.sleep(0.05)
report(echo_is_on(fd), "puts the echo back after an interrupt")
end = time.monotonic() + 10
while os.waitpid(pid, os.WNOHANG)[0] == 0:
    if time.monotonic() > end:
        os.kill(pid, signal.SIGKILL)
        end = float("inf")
        report(False, "ends after an interrupt")
    time.sleep(0.05)

result = subprocess.run(["lua5.4", "-e", CODE], env=ENV, stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True)
report(result.stdout == b"got\tnil\tthere is no terminal to ask on\n", "says that there is no terminal", result)
print(f"1..{number}")
