#!/usr/bin/python3
"""botocore's signer, for tests/bench/sigv4.lua.

usage: sigv4.py SECONDS BODY TOKEN   prints the signatures per second of CPU time
"""
import sys
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

seconds, body, token = float(sys.argv[1]), sys.argv[2].encode(), sys.argv[3]
auth = SigV4Auth(
    Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token), "ec2", "us-east-1"
)
HEADERS = {
    "Host": "ec2.us-east-1.amazonaws.com",
    "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
}


def sign():
    request = AWSRequest("POST", "https://ec2.us-east-1.amazonaws.com/", headers=HEADERS, data=body)
    auth.add_auth(request)
    return request.headers


assert ";".join(sorted(name.lower() for name in sign())) == (
    "authorization;content-type;host;x-amz-date;x-amz-security-token"
)
best, start = 0, time.process_time()
while time.process_time() - start < seconds:
    before = time.process_time()
    for _ in range(200):
        sign()
    best = max(best, 200 / (time.process_time() - before))
print(round(best))
