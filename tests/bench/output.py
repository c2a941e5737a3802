#!/usr/bin/python3
"""CPU seconds that the AWS CLI's formatters take to print a document: output.py FILE OPERATION REPEATS

Prints a line for each format: its name, the best seconds, and the SHA-256 of what is printed."""

import argparse
import gc
import hashlib
import io
import json
import sys
import time

from awscli import formatter

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
arguments = argparse.Namespace(query=None, color="off")
for name in ("json", "text", "table", "yaml", "yaml-stream"):
    best = float("inf")
    for _ in range(int(sys.argv[3])):
        gc.collect()
        stream = io.StringIO()
        start = time.process_time()
        formatter.get_formatter(name, arguments)(sys.argv[2], document, stream)
        best = min(best, time.process_time() - start)
    print(name, best, hashlib.sha256(stream.getvalue().encode()).hexdigest())
