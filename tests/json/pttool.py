# SPDX-License-Identifier: MIT
"""pttool.py BUILD [FORMAT...]: see tests/run-pttool-json.

What every command prints with --json, for every format, sound tables and noise, keeps to docs/pttool.schema.json; and
it says what the plain lines say.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

build, only = sys.argv[1], sys.argv[2:]
passed = failed = skipped = 0
try:
    import jsonschema
except ImportError:
    print("SKIPPED  pttool --json: there is no jsonschema for python3; to have it: apt-get install -y python3-jsonschema")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

with open("docs/pttool.schema.json", encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)
jsonschema.Draft202012Validator.check_schema(SCHEMA)


def check(good, what, detail=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED  pttool-json: {what}\n  {detail}\n  rerun: tests/run-pttool-json {what.split()[0]}")


def pttool(*arguments, status=(0, 1)):
    result = subprocess.run([os.path.join(build, "pttool"), *arguments], capture_output=True, text=True, check=False,
                            timeout=120)
    if result.returncode not in status:
        check(False, f"{' '.join(arguments)}", f"status {result.returncode}: {result.stderr}")
    return result.stdout


def keeps_to(name, text, what):
    """Does this text keep to a definition of the schema? Returns it, read."""
    definition = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    try:
        value = json.loads(text)
        jsonschema.Draft202012Validator(definition).validate(value)
    except (ValueError, jsonschema.ValidationError) as why:
        check(False, f"{what}: {name}", str(why)[:1000])
        return None
    check(True, what)
    return value


def try_format(name, work):
    image = ["--format", name, "--ram", f"{work}/ram", "--ram-base", "0x40000000"]
    script, more = f"{work}/script", f"{work}/more"
    with open(script, "w", encoding="ascii") as file:
        file.write("map 0x10000000 0x20000000 2M rw\nmap 0x10300000 0x20510000 1M r\nmap 0x11000000 0x30000000 64K rwd\n")
    with open(more, "w", encoding="ascii") as file:
        file.write("unmap 0x10300000 1M\nmap 0x12000000 0x31000000 64K r\n")
    if os.path.exists(f"{work}/ram"):
        os.unlink(f"{work}/ram")
    built = keeps_to("build", pttool("build", *image, "--allow-wider", "--ram-size", "32M", "--tables", "0x40100000",
                                     script), f"{name} build")
    other = keeps_to("build", pttool("build", *image, "--allow-wider", "--tables", "0x41000000", more.replace("more", "script")),
                     f"{name} build again")
    if built is None or other is None:
        return
    pttool("build", "--format", name, "--allow-wider", "--ram-base", "0x40000000", "--ram-size", "32M", "--tables",
           "0x40100000", "--emit=bin", "--output", f"{work}/bin", script)
    with open(f"{work}/bin.map", encoding="utf-8") as file:
        keeps_to("map", file.read(), f"{name} build --emit")
    roots = [word for root in built.get("roots", [built["root"]]) for word in ("--root", root)]
    others = [word for root in other.get("roots", [other["root"]]) for word in ("--other-root", root)]
    pttool("build", *image, "--allow-wider", *[w.replace("--other-", "--") for w in others], "--tables", "0x41000000", more)

    dump = keeps_to("dump", pttool("dump", "--json", *image, *roots), f"{name} dump")
    lines = [line.split()[:5] for line in pttool("dump", *image, *roots).splitlines()]
    check(dump and lines == [[f"{run['first']}-{run['last']}", run["pa"], run["size"], run["level"], run["prot"]] for run in dump["runs"]],
          f"{name} dump --json says what dump says")
    keeps_to("verify", pttool("verify", "--json", *image, *roots), f"{name} verify")
    found = keeps_to("find", pttool("find", "--json", *image, *roots, "0x20000000+64K", "0x99999000"), f"{name} find")
    check(found and all(int(run["pa"], 16) >= 0x20000000 for run in found), f"{name} find finds")
    keeps_to("stats", pttool("stats", "--json", *image, *roots), f"{name} stats")
    changed = keeps_to("diff", pttool("diff", "--json", *image, *roots, *others), f"{name} diff")
    check(changed and int(changed["added"], 16) == 65536 and int(changed["removed"], 16) == 1 << 20, f"{name} diff counts")
    registers = keeps_to("registers", pttool("registers", "--json", "--format", name, *roots), f"{name} registers")
    if registers:
        keeps_to("decoded", pttool("registers", "--json", "--format", name, *[f"{a}={b}" for a, b in registers.items()]),
                 f"{name} registers decoded")
    keeps_to("formats", pttool("formats", "--format", name, "--json"), f"{name} formats")

    # noise in the place of the tables: mostly small addresses inside the image, so that walks get somewhere
    noise = random.Random(name)
    with open(f"{work}/ram", "r+b") as file:
        file.seek(0x100000)
        for _ in range(8192):
            file.write(bytes([noise.randrange(256), noise.randrange(256), noise.randrange(32), 64, 0, 0, 0, 0]))
    for command in ("dump", "verify", "stats"):
        keeps_to(command, pttool(command, "--json", *image, *roots, "--steps", "20000"), f"{name} {command} of noise")
    keeps_to("find", pttool("find", "--json", *image, *roots, "--steps", "20000", "0+4G"), f"{name} find in noise")
    keeps_to("diff", pttool("diff", "--json", *image, *roots, *others, "--steps", "20000"), f"{name} diff of noise")


formats = keeps_to("formats", pttool("formats", "--json"), "formats")
with tempfile.TemporaryDirectory() as directory:
    for each in formats:
        if not only or each["name"] in only:
            try_format(each["name"], directory)
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(failed != 0)
