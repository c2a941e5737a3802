#!/usr/bin/python3
"""The sandbox misbehaving on demand, as seen on the socket."""
import http.client
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from sandbox_client import Sandbox, Tap, call, code_of, control  # noqa: E402


def equal(a, b):
    assert a == b, "%r is not %r" % (a, b)


def create(box, **more):
    return call(box, "CreateNetworkInterface", SubnetId=box.subnet, **more)


def count(box):
    return len(control(box, "GET", "state")["network_interfaces"])


def faults(box, *rules):
    equal(control(box, "POST", "faults", list(rules)).get("error"), None)


def broken(function, *arguments, **parameters):
    """How a call fails on the socket."""
    try:
        function(*arguments, **parameters)
    except (http.client.HTTPException, OSError) as error:
        return type(error).__name__
    return None


def wait_held(box, number=1):
    for _ in range(500):
        if control(box, "GET", "faults")["held"] >= number:
            return
        time.sleep(0.01)
    raise AssertionError("nothing is held")


def throttle(box):
    faults(box, {"kind": "throttle", "operation": "CreateNetworkInterface", "times": 2})
    for _ in range(2):
        answer = create(box)
        equal((answer[0], code_of(answer)), (503, "RequestLimitExceeded"))
    equal(call(box, "DescribeVpcs")[0], 200)
    equal(create(box)[0], 200)
    equal(count(box), 1)


def statuses_and_pages(box):
    faults(box, {"kind": "status"}, {"kind": "status", "status": 503}, {"kind": "html"}, {"kind": "html", "status": 504},
           {"kind": "status", "status": 403, "code": "UnauthorizedOperation", "message": "You are not authorized"})
    equal([(a[0], code_of(a)) for a in (create(box) for _ in range(2))], [(500, "InternalError"), (503, "Unavailable")])
    for status in (502, 504):
        answer = create(box)
        equal((answer[0], answer[1]["content-type"]), (status, "text/html"))
        assert "<html>" in answer[2]
    answer = create(box)
    equal((answer[0], code_of(answer)), (403, "UnauthorizedOperation"))
    equal(count(box), 0)
    equal(create(box)[0], 200)


def lost_before_and_after(box):
    faults(box, {"kind": "close_before"})
    assert broken(create, box) in ("RemoteDisconnected", "ConnectionResetError")
    equal(count(box), 0)
    faults(box, {"kind": "lose_answer"})
    assert broken(create, box) in ("RemoteDisconnected", "ConnectionResetError")
    equal(count(box), 1)
    faults(box, {"kind": "drop_body"})
    equal(broken(create, box), "IncompleteRead")
    equal(count(box), 2)
    equal(create(box)[0], 200)
    answers = [(e["operation"], e.get("fault"), e["status"]) for e in control(box, "GET", "log")]
    equal([a[1] for a in answers], ["close_before", "lose_answer", "drop_body", None])


def late(box):
    faults(box, {"kind": "delay", "seconds": 0.3})
    began = time.time()
    equal(create(box)[0], 200)
    assert time.time() - began >= 0.3


def held(box):
    for kind, seen in (("hold_before", 0), ("hold_after", 2)):
        faults(box, {"kind": kind})
        answers = []
        caller = threading.Thread(target=lambda: answers.append(create(box)))
        caller.start()
        wait_held(box)
        equal((count(box), answers), (seen, []))
        equal(call(box, "DescribeVpcs")[0], 200)  # the others go on
        equal(control(box, "POST", "release"), {"released": 1})
        caller.join(10)
        equal(answers[0][0], 200)
    equal(control(box, "POST", "release"), {"released": 0})


def held_and_dropped(box):
    for kind, seen in (("hold_before", 0), ("hold_after", 1)):
        faults(box, {"kind": kind})
        failures = []
        caller = threading.Thread(target=lambda: failures.append(broken(create, box)))
        caller.start()
        wait_held(box)
        equal(control(box, "POST", "release", {"drop": True}), {"released": 1})
        caller.join(10)
        assert failures[0] in ("RemoteDisconnected", "ConnectionResetError"), failures
        equal(count(box), seen)


def a_held_client_that_dies(box):
    """Killed before the endpoint acts, or after it acted: both are asked for by name."""
    faults(box, {"kind": "hold_after"})
    assert broken(create, box, timeout=0.3) in ("timeout", "TimeoutError")
    equal(count(box), 1)
    equal(control(box, "POST", "release"), {"released": 1})
    equal(create(box)[0], 200)


def nth_and_times(box):
    faults(box, {"kind": "throttle", "operation": "DescribeVpcs", "nth": 3, "times": 2})
    equal([call(box, "DescribeVpcs")[0] for _ in range(6)], [200, 200, 503, 503, 200, 200])
    report = control(box, "GET", "faults")["faults"][0]
    equal((report["seen"], report["struck"]), (6, 2))
    faults(box)
    equal(control(box, "GET", "faults")["faults"], [])


def probability(_):
    """The same seed strikes the same requests."""
    runs = []
    for seed in ("5", "5", "6"):
        with Sandbox("--seed", seed, "--fault", '{"kind":"throttle","probability":0.3}') as box:
            runs.append([call(box, "DescribeVpcs")[0] for _ in range(60)])
    equal(runs[0], runs[1])
    assert runs[0] != runs[2]
    assert 5 < runs[0].count(503) < 35, runs[0].count(503)


def latency_does_not_serialise(box):
    control(box, "POST", "faults", {"habits": {"latency": 0.25}})
    began = time.time()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(call(box, "DescribeVpcs")[0])) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.time() - began
    equal(answers, [200] * 20)
    assert 0.25 <= took < 2.5, took  # 5 s one after the other


def slow_states(box):
    control(box, "POST", "faults", {"habits": {"state_delay": 0.4}})
    answer = create(box)[2]
    eni = answer.split("<networkInterfaceId>")[1].split("<")[0]
    answer = call(box, "RunInstances", ImageId=box.image, InstanceType="r5d.large", MinCount="1", MaxCount="1",
                  **{"NetworkInterface.1.DeviceIndex": "0", "NetworkInterface.1.NetworkInterfaceId": eni})[2]
    instance = answer.split("<instanceId>")[1].split("<")[0]

    def states():
        state = control(box, "GET", "state")
        interface = state["network_interfaces"][0]
        return state["instances"][0]["instanceState"]["name"], interface.get("attachment", {}).get("status")

    equal(states(), ("pending", "attaching"))
    time.sleep(0.5)
    equal(states(), ("running", "attached"))
    assert "initializing" in call(box, "DescribeInstanceStatus")[2]
    call(box, "TerminateInstances", **{"InstanceId.1": instance})
    equal(states(), ("shutting-down", "attached"))
    equal(code_of(call(box, "DeleteNetworkInterface", NetworkInterfaceId=eni)), "InvalidParameterValue")
    time.sleep(0.5)
    equal(states(), ("terminated", None))
    equal(call(box, "DeleteNetworkInterface", NetworkInterfaceId=eni)[0], 200)


def eventual_consistency(box):
    control(box, "POST", "faults", {"habits": {"consistency_lag": 0.4}})
    eni = create(box, **{"Ipv6Addresses.1.Ipv6Address": "2001:db8:47b:ca03::8"})[2].split("<networkInterfaceId>")[1].split("<")[0]

    def seen():
        by_id = call(box, "DescribeNetworkInterfaces", **{"NetworkInterfaceId.1": eni})
        listed = eni in call(box, "DescribeNetworkInterfaces")[2]
        return code_of(by_id), listed

    equal(seen(), ("InvalidNetworkInterfaceID.NotFound", False))
    equal(count(box), 1)
    # The address is taken all the same.
    equal(code_of(create(box, **{"Ipv6Addresses.1.Ipv6Address": "2001:db8:47b:ca03::8"})), "InvalidIPAddress.InUse")
    time.sleep(0.5)
    equal(seen(), (None, True))
    equal(call(box, "DeleteNetworkInterface", NetworkInterfaceId=eni)[0], 200)
    equal(seen(), (None, True))  # its ghost
    equal(count(box), 0)
    equal(code_of(call(box, "DeleteNetworkInterface", NetworkInterfaceId=eni)), "InvalidNetworkInterfaceID.NotFound")
    time.sleep(0.5)
    equal(seen(), ("InvalidNetworkInterfaceID.NotFound", False))


def pipelined_requests(box):
    """Two requests in one packet get two answers in their order."""
    from sandbox_client import sign
    body = "Action=DescribeVpcs&Version=2016-11-15"
    headers = "".join("%s: %s\r\n" % item for item in sign(box, body).items())
    port = int(box.url.rsplit(":", 1)[1])
    request = "POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%sContent-Length: %d\r\n\r\n%s" % (port, headers, len(body), body)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request.encode() * 2)
        got = b""
        while got.count(b"</DescribeVpcsResponse>") < 2:
            chunk = connection.recv(65536)
            assert chunk, got
            got += chunk


TESTS = [throttle, statuses_and_pages, lost_before_and_after, late, held, held_and_dropped, a_held_client_that_dies, nth_and_times, probability,
         latency_does_not_serialise, slow_states, eventual_consistency, pipelined_requests]


def one(test):
    with Sandbox("--seed", "1") as box:
        test(box)


tap = Tap()
for function in TESTS:
    tap.run(function.__name__.replace("_", " "), one, function)
sys.exit(tap.done())
