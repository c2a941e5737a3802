"""The codes and statuses that botocore's standard mode repeats: {} -> {throttling, transient, statuses}."""
import json
import sys

from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

json.load(sys.stdin)
print(json.dumps({
    "throttling": ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
    "transient": TransientRetryableChecker._TRANSIENT_ERROR_CODES,
    "statuses": TransientRetryableChecker._TRANSIENT_STATUS_CODES,
}))
