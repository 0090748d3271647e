# SPDX-License-Identifier: MIT
"""diagnostics.py BUILD [NAME]...: see tests/run-diagnostics."""

import json
import os
import re
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    jsonschema = None

HEAD = re.compile(r"^(?:(.*?):(\d+):(\d+): )?(error|warning|note): (.*?)(?: \[-W([a-z-]+)\])?$")


def run(ptgen, directory, name, *options):
    arguments = []
    path = os.path.join(directory, name + ".args")
    if os.path.exists(path):
        arguments = open(path, encoding="utf-8").read().split()
    done = subprocess.run([ptgen, "--check", *options, *arguments, name + ".ptd"], cwd=directory, capture_output=True)
    return done.returncode, done.stderr.decode("utf-8", "replace")


def from_text(text):
    """The findings of the text form: [severity, check, message, place, related, mend]."""
    found = []
    for line in text.split("\n"):
        match = HEAD.match(line)
        if line.startswith("ptgen: "):
            found.append(["error", None, line[7:], None, [], []])
        if not match:
            continue
        file, row, column, kind, message, check = match.groups()
        place = (file, int(row), int(column)) if file else None
        if kind != "note":
            found.append([kind, check, message, place, [], []])
        elif place:
            found[-1][4].append((message, place))
        else:
            found[-1][5].append(message)
    return found


def place(at):
    return (at["file"], at["line"], at["column"])


def from_json(text, validator):
    found = []
    for line in text.splitlines():
        value = json.loads(line)
        if validator:
            validator.validate(value)
        at = value.get("at")
        if at and (at["end_line"], at["end_column"]) < (at["line"], at["column"]):
            raise ValueError("a place ends before it begins: %s" % line)
        found.append([value["severity"], value.get("check"), value["message"], place(at) if at else None,
                      [(note["message"], place(note["at"])) for note in value.get("related", [])],
                      value.get("mend", [])])
    return found


def main():
    ptgen = os.path.abspath(os.path.join(sys.argv[1], "ptgen"))
    validator = None
    if jsonschema:
        with open("docs/diagnostics.schema.json", encoding="utf-8") as schema:
            validator = jsonschema.Draft202012Validator(json.load(schema))
    passed = failed = 0
    for directory in ("tests/fixtures",):
        names = sorted(name[:-4] for name in os.listdir(directory) if name.endswith(".ptd"))
        for name in names:
            if len(sys.argv) > 2 and name not in sys.argv[2:]:
                continue
            text_status, text = run(ptgen, directory, name)
            status, lines = run(ptgen, directory, name, "--diagnostics=json")
            try:
                expected, found = from_text(text), from_json(lines, validator)
                if (status, found) != (text_status, expected):
                    raise ValueError("text: %s\njson: %s" % (expected, found))
                passed += 1
            except Exception as error:  # one broken fixture must not hide the others
                print("FAILED  diagnostics %s: %s\n  rerun: tests/run-diagnostics %s" % (name, error, name))
                failed += 1
    if jsonschema:
        print("%d passed, %d failed" % (passed, failed))
    else:
        print("SKIPPED validation by docs/diagnostics.schema.json: apt-get install -y python3-jsonschema")
        print("%d passed, %d failed, 1 skipped" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
