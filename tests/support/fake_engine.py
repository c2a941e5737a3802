"""A Docker engine that answers from a script: fake_engine.py SOCKET, the script as JSON on stdin.

The script maps "GET /path" (without its query) to a list of answers, of which each is used once and the
last again and again: {"status", "body"}, {"chunks": [...]} sent one by one, {"raw": text} instead of HTTP,
with "cut": true the connection ends in the middle of the body, {"hang": true} never answers. It prints
"ready", then each request on a line: method, target and body.
"""
import json
import socketserver
import sys
import threading
import time

SCRIPT = json.loads(sys.stdin.readline())
LOCK = threading.Lock()


def next_answer(key):
    with LOCK:
        answers = SCRIPT.get(key, [{"status": 404, "body": json.dumps({"message": "no answer for " + key})}])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.one():
            pass

    def one(self):
        line = self.rfile.readline().decode()
        if not line:
            return False
        method, target, _ = line.split()
        length = 0
        while (header := self.rfile.readline().decode().strip()):
            name, value = header.split(":", 1)
            if name.lower() == "content-length":
                length = int(value)
        body = self.rfile.read(length).decode(errors="replace")
        print(method, target, body, flush=True)
        return self.answer(next_answer(method + " " + target.split("?")[0]))

    def answer(self, answer):
        if answer.get("hang"):
            time.sleep(3600)
        if "raw" in answer:
            self.wfile.write(answer["raw"].encode("latin-1"))
            return False
        chunks = [chunk.encode("latin-1") for chunk in answer.get("chunks", [answer.get("body", "")])]
        length = sum(map(len, chunks)) + (100 if answer.get("cut") else 0)
        self.wfile.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (answer.get("status", 200), length))
        for chunk in chunks:
            self.wfile.write(chunk)
            self.wfile.flush()
            time.sleep(0.02)
        return not answer.get("cut")


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


with Server(sys.argv[1], Handler) as server:
    print("ready", flush=True)
    server.serve_forever()
