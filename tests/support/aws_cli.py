"""The AWS CLI of Debian, started once: {"env": …, "argv": […]} comes in, {"status", "stdout", "stderr"} goes out, a line each."""
import io
import json
import os
import sys

answers = os.fdopen(os.dup(1), "w")


def run(env, argv):
    os.environ.clear()
    os.environ.update(env)
    import awscli.clidriver  # notes the home directory when it is loaded, and puts this into the environment, once
    os.environ["AWS_DATA_PATH"] = os.path.join(os.path.dirname(awscli.__file__), "data")
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    saved = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = streams
    try:
        status = awscli.clidriver.create_clidriver(argv).main(argv)
    except SystemExit as end:
        status = end.code
    finally:
        sys.stdout, sys.stderr = saved
    return {"status": status, "stdout": streams[0].buffer.getvalue().decode(), "stderr": streams[1].buffer.getvalue().decode()}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(run(request["env"], request["argv"])), file=answers, flush=True)
