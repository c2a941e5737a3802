#!/usr/bin/python3
"""The options of all commands of EC2 and STS in the AWS CLI, one command a line.

Prints [service, "COMMAND" or "wait STATE", [[name, dest, takes, required, type, hidden], …]].
"""

import argparse
import json
import os

os.environ.update(AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")

from awscli.clidriver import create_clidriver  # noqa: E402

TAKES = {None: "one", "*": "any", "?": "maybe", 0: "none"}


def described(name, argument):
    parser = argparse.ArgumentParser(add_help=False)
    argument.add_to_parser(parser)
    action = parser._actions[0]
    kind = action.type.__name__ if action.type in (int, float) else "str"
    hidden = getattr(argument, "_UNDOCUMENTED", False)
    return [name, action.dest, TAKES[action.nargs], action.required, kind, hidden]


def table(command):
    return [described(*item) for item in command.arg_table.items()]


services = create_clidriver().subcommand_table
for service in ("ec2", "sts"):
    for name, command in services[service].subcommand_table.items():
        if name == "wait":
            for state, waiter in command.subcommand_table.items():
                print(json.dumps([service, "wait " + state, table(waiter)]))
        else:
            print(json.dumps([service, name, table(command)]))
