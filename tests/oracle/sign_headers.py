#!/usr/bin/python3
"""Whether the headers on standard input ("Name: value" lines) sign a GET as botocore does.

usage: sign_headers.py URI REGION SERVICE <HEADERS

Host, X-Amz-Date and Authorization are read from the headers, the credentials from
the environment; the exit status says whether botocore's Authorization is the same.
"""
import calendar
import datetime
import os
import sys
import time

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

headers = dict(line.rstrip("\n").split(": ", 1) for line in sys.stdin)
moment = calendar.timegm(time.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))


class Clock(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=moment)


class Module:
    datetime = Clock


botocore.auth.datetime = Module
uri, region, service = sys.argv[1:]
credentials = Credentials(
    os.environ["AWS_ACCESS_KEY_ID"],
    os.environ["AWS_SECRET_ACCESS_KEY"],
    os.environ.get("AWS_SESSION_TOKEN") or None,
)
request = AWSRequest(method="GET", url="https://" + headers["Host"] + uri)
botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
expected = {
    name: value
    for name, value in request.headers.items()
    if name.lower() in ("authorization", "x-amz-date", "x-amz-security-token")
}
mine = {name: value for name, value in headers.items() if name != "Host"}
if mine != expected:
    sys.exit(f"sent {mine}\nbotocore {expected}")
