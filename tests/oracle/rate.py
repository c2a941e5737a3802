"""botocore's adaptive rate limiter on a made-up clock: [[seconds, throttled], …] -> [[seconds waited, rate], …]."""
import json
import sys

from botocore.retries import adaptive, bucket, throttling


class Clock:
    now = 1000.25

    def current_time(self):
        return self.now


class Detector:
    def is_throttling_error(self, throttled):
        return throttled


class Waiting:
    """Stands for the bucket's condition variable: waiting moves the clock on."""

    def __init__(self, clock):
        self.clock = clock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def notify(self):
        pass

    def wait(self, seconds):
        # At least a little, where rounding would wait for ever.
        self.clock.now += max(seconds, 1e-9)


clock = Clock()
tokens = bucket.TokenBucket(max_rate=1, clock=clock)
tokens._new_fill_rate_condition = Waiting(clock)
limiter = adaptive.ClientRateLimiter(
    rate_adjustor=throttling.CubicCalculator(starting_max_rate=0, start_time=clock.now),
    rate_clocker=adaptive.RateClocker(clock),
    token_bucket=tokens,
    throttling_detector=Detector(),
    clock=clock,
)
answers = []
for seconds, throttled in json.load(sys.stdin):
    clock.now += seconds
    before = clock.now
    limiter.on_sending_request(request=None)
    waited = clock.now - before
    limiter.on_receiving_response(throttled=throttled)
    answers.append([waited, tokens.max_rate])
json.dump(answers, sys.stdout)
