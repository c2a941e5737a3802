"""botocore's standard retry mode over a stream of requests, all of which may be repeated.

{max_attempts, random: [number, …], requests: [[outcome, …], …]} -> {waits: [[seconds or null, …], …], capacity}

An outcome is "ok", "timeout", "connection", or {code, status}. Of a request, as many are used as it is tried; the answer
has what follows each failure: the wait before the next attempt, or null.
"""
import itertools
import json
import sys

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.retries import quota, standard

EXCEPTIONS = {"timeout": ReadTimeoutError(endpoint_url="x"), "connection": EndpointConnectionError(endpoint_url="x")}


class Response:
    def __init__(self, status):
        self.status_code = status


class Service:
    service_name = "ec2"


class Operation:
    service_model = Service
    error_shapes = ()


question = json.load(sys.stdin)
numbers = itertools.cycle(question["random"])
capacity = quota.RetryQuota()
checker = standard.RetryQuotaChecker(capacity)
handler = standard.RetryHandler(
    standard.RetryPolicy(
        standard.StandardRetryConditions(max_attempts=question["max_attempts"]),
        standard.ExponentialBackoff(random=lambda: next(numbers)),
    ),
    standard.RetryEventAdapter(),
    checker,
)


def needs_retry(outcome, attempt, context):
    response = exception = None
    if isinstance(outcome, str):
        exception = EXCEPTIONS[outcome]
    else:
        response = (Response(outcome["status"]), {"Error": {"Code": outcome["code"]}})
    return handler.needs_retry(response=response, attempts=attempt, operation=Operation, caught_exception=exception,
                               request_dict={"context": context})


def run(outcomes):
    context, waits = {}, []
    for attempt, outcome in enumerate(outcomes, 1):
        if outcome == "ok":
            checker.release_retry_quota(context=context, http_response=Response(200))
            break
        waits.append(needs_retry(outcome, attempt, context))
        if waits[-1] is None:
            break
    return waits


json.dump({"waits": [run(request) for request in question["requests"]], "capacity": capacity.available_capacity}, sys.stdout)
