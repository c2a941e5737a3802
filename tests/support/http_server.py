#!/usr/bin/python3
"""A server of HTTP/1.1 written on bare sockets, so that it can misbehave.

usage: http_server.py [--tls CERT KEY] [--unix PATH] [--proxy]

Listens on 127.0.0.1 (or the path), prints its port and serves until stdin ends.
The path says what to do; GET /stats tells what was seen. As a proxy it tunnels
CONNECT to 127.0.0.1, whatever the host's name, and answers plain requests by itself.
"""
import collections
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time

lock = threading.Lock()
seen = collections.Counter()  # "connections", "proxied", and every path
requests = []  # raw heads of the requests for /record…


def count(name):
    with lock:
        seen[name] += 1
        return seen[name]


class Gone(Exception):
    pass


class Connection:
    def __init__(self, sock, tls):
        self.number = count("connections")
        self.requests = 0
        self.pending = b""
        self.sock = tls.wrap_socket(sock, server_side=True) if tls else sock

    def read_until(self, mark):
        while mark not in self.pending:
            data = self.sock.recv(65536)
            if not data:
                raise Gone
            self.pending += data
        found, _, self.pending = self.pending.partition(mark)
        return found

    def read_exactly(self, size):
        while len(self.pending) < size:
            data = self.sock.recv(65536)
            if not data:
                raise Gone
            self.pending += data
        found, self.pending = self.pending[:size], self.pending[size:]
        return found

    def read_request(self):
        head = self.read_until(b"\r\n\r\n").decode("latin-1")
        lines = head.split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        body = self.read_exactly(int(fields.get("content-length", 0)))
        self.requests += 1
        return method, target, head, body

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))

    def answer(self, body="", status="200 OK", fields=()):
        body = body if isinstance(body, bytes) else body.encode()
        head = ["HTTP/1.1 " + status, "Content-Length: %d" % len(body), *fields]
        self.send("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def chunk(self, data):
        self.send(b"%x\r\n" % len(data) + data + b"\r\n")

    def tunnel(self, target):
        host, port = target.rsplit(":", 1)
        count("tunnel " + target)
        if host == "forbidden.test":
            return self.answer("no", "403 Forbidden")
        if host == "silent.test":
            time.sleep(60)
        upstream = socket.create_connection(("127.0.0.1", int(port)))
        self.send("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")

        def copy(source, sink):
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        thread = threading.Thread(target=copy, args=(self.sock, upstream), daemon=True)
        thread.start()
        copy(upstream, self.sock)
        raise Gone


def do_record(c, arguments, method, head, body):
    with lock:
        requests.append(head + "\r\n\r\n" + body.decode("latin-1"))
    c.answer()


def do_stats(c, arguments, method, head, body):
    with lock:
        c.answer(json.dumps({"seen": seen, "requests": requests}))


def do_raw(c, arguments, method, head, body):
    c.answer(head + "\r\n\r\n" + body.decode("latin-1"))


def do_where(c, arguments, method, head, body):
    c.answer("%d %d" % (c.number, c.requests))


def do_status(c, arguments, method, head, body):
    c.answer("" if arguments[0] in ("204", "304") else "status " + arguments[0], arguments[0] + " Whatever")


def do_delay(c, arguments, method, head, body):
    time.sleep(float(arguments[0]))
    c.answer("late")


def do_size(c, arguments, method, head, body):
    c.answer(b"x" * int(arguments[0]))


def do_drip(c, arguments, method, head, body):
    """/drip/COUNT/SECONDS: that many chunks, that far apart."""
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(int(arguments[0])):
        c.chunk(b"chunk %d\n" % number)
        time.sleep(float(arguments[1]))
    c.send("0\r\nTrailer-Field: x\r\n\r\n")


def do_flood(c, arguments, method, head, body):
    """Chunks without end."""
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        c.chunk(b"x" * 100000)


def do_drop(c, arguments, method, head, body):
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    raise Gone


def do_dropchunk(c, arguments, method, head, body):
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    c.chunk(b"only this")
    raise Gone


def do_silence(c, arguments, method, head, body):
    raise Gone


def do_reset(c, arguments, method, head, body):
    c.reset()


def do_half(c, arguments, method, head, body):
    """Closes right after the request unless it is the connection's first."""
    if c.requests > 1:
        raise Gone
    c.answer("%d %d" % (c.number, c.requests))


def do_leave(c, arguments, method, head, body):
    """Answers as if it would stay, and closes at once."""
    c.answer("bye")
    raise Gone


def do_garbage(c, arguments, method, head, body):
    c.send("220 mail.example ESMTP\r\n\r\n")
    raise Gone


def do_badheader(c, arguments, method, head, body):
    c.send("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n")
    raise Gone


def do_headers(c, arguments, method, head, body):
    c.answer("", "200 OK", ["X-One: 1", "x-two:  2 \t", "X-One: 3", "X-Empty:", "X-Folded: a", "\tb", "X-Colon: a:b"])


def do_manyheaders(c, arguments, method, head, body):
    c.answer("", "200 OK", ["X-%d: %s" % (i, "v" * 1000) for i in range(int(arguments[0]))])


def do_interim(c, arguments, method, head, body):
    c.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
    c.answer("final", "200 OK", ["X-Final: yes"])


def do_untilclose(c, arguments, method, head, body):
    c.send("HTTP/1.0 200 OK\r\nX: y\r\n\r\nall of it")
    raise Gone


def do_redirect(c, arguments, method, head, body):
    c.answer("", "302 Found", ["Location: /raw"])


def serve(sock, tls, proxy):
    c = None
    try:
        c = Connection(sock, tls)
        while True:
            method, target, head, body = c.read_request()
            if method == "CONNECT":
                with lock:
                    requests.append(head)
                c.tunnel(target)
                continue
            count(target)
            if proxy and target.startswith("http://"):
                c.answer("proxied " + target + "\n" + head)
                continue
            parts = target.split("?")[0].strip("/").split("/")
            act = globals().get("do_" + parts[0].lower(), do_raw)
            act(c, parts[1:], method, head, body)
    except (Gone, OSError):
        pass
    finally:
        (c.sock if c else sock).close()


def listen(path):
    if path:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
    else:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    print(path or listener.getsockname()[1], flush=True)
    return listener


def accept(listener, tls, proxy):
    while True:
        sock, _ = listener.accept()
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(sock, tls, proxy), daemon=True).start()


def main(arguments):
    tls = path = None
    proxy = False
    while arguments:
        option = arguments.pop(0)
        if option == "--tls":
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(arguments.pop(0), arguments.pop(0))
        elif option == "--unix":
            path = arguments.pop(0)
        elif option == "--proxy":
            proxy = True
    threading.Thread(target=accept, args=(listen(path), tls, proxy), daemon=True).start()
    sys.stdin.read()
    os._exit(0)


main(sys.argv[1:])
