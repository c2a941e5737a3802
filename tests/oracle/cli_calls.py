#!/usr/bin/python3
"""Command lines run by the AWS CLI, in one process, and what they print: cli_calls.py FILE

FILE holds {"env": {…}, "lines": [{"argv", "formats"}]} in JSON. Prints one JSON document for each line and format:
{"argv", "format", "stdout", "stderr", "status"}. A line is called once; its answer is shown in each format.
"""

import contextlib
import copy
import io
import json
import os
import sys

import awscli_process  # first: it sets the environment  # noqa: F401
from awscli import clidriver, formatter
from awscli.formatter import is_response_paginated


def remembered(method):
    """A method that calls once for the same parameters."""
    answers = {}

    def call(**parameters):
        key = json.dumps(parameters, sort_keys=True, default=str)
        if key not in answers:
            answers[key] = method(**parameters)
        return copy.deepcopy(answers[key])
    return call


def fresh(pages):
    """Pages to go through from the beginning: an iterator forgets its parameters."""
    again = copy.copy(pages)
    again._op_kwargs = dict(pages._op_kwargs)
    return again


class Caller(clidriver.CLIOperationCaller):
    """Prints an answer once for each of the formats, of which `printed` keeps the texts."""

    formats, printed = [], {}

    def _display_response(self, command_name, response, parsed_globals):
        if is_response_paginated(response):
            response._method = remembered(response._method)
        for name in self.formats:
            shown = fresh(response) if is_response_paginated(response) else copy.deepcopy(response)
            stream = io.StringIO()
            formatter.get_formatter(name, parsed_globals)(command_name, shown, stream)
            self.printed[name] = stream.getvalue()


def run(line):
    Caller.formats, Caller.printed = line["formats"], {}
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        status = clidriver.AWSCLIEntryPoint(clidriver.create_clidriver(line["argv"])).main(line["argv"])
    for name in line["formats"]:
        yield {"argv": line["argv"], "format": name, "stdout": Caller.printed.get(name, ""), "stderr": err.getvalue(),
               "status": status}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        work = json.load(file)
    os.environ.update(work["env"])
    clidriver.CLIOperationCaller = Caller
    for line in work["lines"]:
        for shown in run(line):
            print(json.dumps(shown))


if __name__ == "__main__":
    main()
