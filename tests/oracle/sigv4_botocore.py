#!/usr/bin/python3
"""Signs a list of requests with botocore, for comparison.

usage: sigv4_botocore.py <REQUESTS >RESULTS   (both JSON)

Each request: auth ("header", "query", "s3", "s3-query"), method, url, headers
[[name, value], ...], body, time, region, service, token (or absent), expires,
unsigned_payload. Each result: canonical_request, string_to_sign, signature,
headers [[name, value], ...] and url, as botocore has them after signing.
"""
import datetime
import json
import sys

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

CLASSES = {
    "header": botocore.auth.SigV4Auth,
    "query": botocore.auth.SigV4QueryAuth,
    "s3": botocore.auth.S3SigV4Auth,
    "s3-query": botocore.auth.S3SigV4QueryAuth,
}


class FrozenClock(datetime.datetime):
    """datetime.datetime with a settable utcnow."""

    seconds = 0

    @classmethod
    def utcnow(cls):
        return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=cls.seconds)


class FrozenModule:
    """Stands for the datetime module in botocore.auth."""

    datetime = FrozenClock


botocore.auth.datetime = FrozenModule


def recording(auth, stages):
    """Makes the signer note what each of its stages returns."""
    for name in ("canonical_request", "string_to_sign", "signature"):

        def wrapped(*arguments, name=name, stage=getattr(auth, name)):
            stages[name] = stage(*arguments)
            return stages[name]

        setattr(auth, name, wrapped)
    return auth


def make_auth(case):
    credentials = Credentials("AKIDEXAMPLE", case["secret"], case.get("token"))
    arguments = [credentials, case["service"], case["region"]]
    if "query" in case["auth"]:
        arguments.append(case["expires"])
    return CLASSES[case["auth"]](*arguments)


def make_request(case):
    request = AWSRequest(method=case["method"], url=case["url"], data=case["body"].encode())
    for name, value in case["headers"]:
        request.headers[name] = value
    if case.get("unsigned_payload"):
        request.context["payload_signing_enabled"] = False
        request.context["client_config"] = Config(s3={"payload_signing_enabled": False})
    return request


def sign(case):
    FrozenClock.seconds = case["time"]
    stages = {}
    request = make_request(case)
    recording(make_auth(case), stages).add_auth(request)
    return dict(stages, headers=[list(pair) for pair in request.headers.items()], url=request.url)


json.dump([sign(case) for case in json.load(sys.stdin)], sys.stdout)
