# SPDX-License-Identifier: MIT
"""compare.py BUILD [FORMAT...]: see tests/run-json.

Every configuration of every format that is tried: some leaves of every size are mapped by pttool, and a walker that reads
only the JSON must find them, and the holes between them, for every kind of access; then entries are damaged, and both
must find the same faults.
"""
import copy
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile

BASE, SIZE = 0x40000000, 16 << 20
ACCESSES = ["r", "w", "x", "rp", "wp", "xp"]
MORE = 2  # configurations beside the default that are tried of each format
MOST = 120  # addresses that are asked of each

build, only = sys.argv[1], sys.argv[2:]
seed = int(os.environ.get("TEST_SEED", "0"), 0) or random.SystemRandom().getrandbits(32)
passed = failed = skipped = 0


def fail(what, *details):
    global failed
    failed += 1
    print(f"FAILED  json: {what}")
    for detail in details:
        print(f"  {detail}")
    print(f"  rerun: TEST_SEED={seed} tests/run-json {what.split()[0].rstrip(':')}")


def check(good, what, *details):
    global passed
    if good:
        passed += 1
    else:
        fail(what, *details)
    return good


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


# ------------------------------------------------------------------------------------------------------------ the schema

def descriptions(work):
    """The JSON of every format of formats/, and of every whole format file in the documents, by name."""
    files = sorted(glob.glob("formats/*.ptd")) + sorted(glob.glob("tests/formats/*.ptd"))
    for document in sorted(glob.glob("docs/*.md")):
        with open(document, encoding="utf-8") as file:
            for n, block in enumerate(re.findall(r"^```ptd\n(.*?)^```$", file.read(), re.S | re.M)):
                files.append(f"{work}/{os.path.basename(document)}.{n}.ptd")
                with open(files[-1], "w", encoding="utf-8") as out:
                    out.write(block)
    found = {}
    for file in files:
        # the language's own manual uses what the other documents include from formats/
        directory = os.path.join(work, os.path.basename(file) + ".json")
        os.mkdir(directory)
        result = run(f"{build}/ptgen", "-I", "formats", "--emit=json", "-o", directory, file)
        if check(result.returncode == 0, f"{file}: no JSON", result.stderr):
            for path in sorted(glob.glob(f"{directory}/*.json")):
                found.setdefault(os.path.basename(path)[:-5], path)
    return found


# What the schema must not accept: a word as a number, a line without bits, a member that nobody has described...
SLIPS = {
    "a word that is a number": lambda f: f["examples"][0].update(word=1),
    "a line without bits": lambda f: f["shapes"][0]["levels"][0]["kinds"][0]["lines"][0].pop("hi"),
    "an unknown role": lambda f: f["shapes"][0]["levels"][0]["kinds"][0]["lines"][0].update(role="wish"),
    "an unknown member": lambda f: f["root"].update(colour="red"),
    "an unknown operator": lambda f: f["expressions"].update(wrong=["xor", 1, 2]),
    "no levels": lambda f: f["shapes"][0].pop("levels"),
    "an empty list of shapes": lambda f: f.update(shapes=[]),
}


def check_schema(found):
    global skipped
    try:
        import jsonschema
    except ImportError:
        skipped += 1
        print("SKIPPED docs/format.schema.json: there is no validator; to have it: apt-get install -y python3-jsonschema")
        return
    with open("docs/format.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    validator_class = jsonschema.validators.validator_for(schema)
    validator_class.check_schema(schema)
    validator = validator_class(schema)
    for name, path in found.items():
        with open(path, encoding="utf-8") as file:
            description = json.load(file)
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message:.200}" for e in validator.iter_errors(description)]
        check(not errors, f"{name}: not as docs/format.schema.json says", *errors[:5])
        missing = set(texts(description)) - set(description["expressions"])
        check(not missing, f"{name}: expressions without a tree", *sorted(missing))
        for what, slip in SLIPS.items() if description["examples"] and not name.startswith("arm") else []:
            wrong = copy.deepcopy(description)
            slip(wrong)
            check(not validator.is_valid(wrong), f"{name}: the schema accepts {what}")


EXPRESSIONS = {"if", "when", "holds", "value", "default", "in", "by", "marks", "start", "count", "align", "table", "base",
               "window", "aperture_first", "aperture_last", "hi"}


def texts(value, key=""):
    """All expressions that are written as text."""
    if isinstance(value, dict):
        for name, member in value.items():
            if not (name in ("expressions", "decodes") or name == "base" and "generator" in value):
                yield from texts(member, name)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)
    elif isinstance(value, str) and key in EXPRESSIONS and not value.startswith("0x"):
        yield value


# ------------------------------------------------------------------------------------------------------------- the walks

def configurations(description, rng):
    """The default, and some of: each parameter with another value, and mixtures."""
    free = [p for p in description["params"] if "bound" not in p]
    values = {p["name"]: [v for a, b in p["set"] for v in range(a, b + 1)] for p in free}
    result = [{name: rng.choice(possible)} for name, possible in values.items()]
    for _ in range(4):
        result.append({name: rng.choice(possible) for name, possible in values.items() if rng.random() < 0.5})
    result = [{}] + rng.sample(result, min(len(result), MORE))
    return result


class Table:
    """One table that pttool built, in an image of its own."""

    def __init__(self, name, path, settings, work):
        self.settings = [f"{key}={value}" for key, value in settings.items()]
        self.path, self.ram, self.script = path, f"{work}/ram", f"{work}/script"
        self.options = ["--format", name, "--ram", self.ram, "--ram-base", hex(BASE)]
        for setting in self.settings:
            self.options += ["--set", setting]
        self.roots = []

    def build(self, lines):
        """Map what can be mapped: a line that is refused is left out. True if pttool takes the configuration."""
        while True:
            with open(self.script, "w", encoding="utf-8") as file:
                file.write("".join(f"map {a:#x} {pa:#x} {n:#x} {prot}\n" for a, pa, n, prot in lines))
            if os.path.exists(self.ram):
                os.unlink(self.ram)
            result = run(f"{build}/pttool", "build", *self.options, "--ram-size", hex(SIZE), "--tables", hex(BASE + SIZE // 2),
                         "--allow-wider", self.script)
            refused = re.search(r"^\S*script:(\d+):\d+: error", result.stderr, re.M)
            if result.returncode == 0:
                answer = json.loads(result.stdout)
                self.roots = answer.get("roots") or [answer["root"]]
                return lines
            if result.returncode == 2 or not refused:
                self.why = result.stderr
                return None
            del lines[int(refused.group(1)) - 1]

    def both(self, addresses, accesses):
        """What pttool and the walker say, one line an address and access."""
        theirs = []
        roots = [option for root in self.roots for option in ("--root", root)]
        for access in accesses:
            asked = ["--access", access] if access else []
            theirs += run(f"{build}/pttool", "walk", *self.options, *roots, *asked, *map(hex, addresses)).stdout.splitlines()
        result = run(sys.executable, "tests/walk-from-json", self.path, self.ram, hex(BASE), ",".join(self.roots), *self.settings,
                     text="".join(f"{address:#x} {access}\n" for access in accesses for address in addresses))
        return theirs, result.stdout.splitlines(), result.stderr

    def damage(self, rng):
        """Flip bits in words of the tables."""
        with open(self.ram, "r+b") as file:
            memory = bytearray(file.read())
            used = [match.start() & ~3 for match in re.finditer(rb"[^\0]", memory)]
            for i in rng.sample(used, min(len(used), 60)):
                memory[i + rng.randrange(4)] ^= 1 << rng.randrange(8)
            file.seek(0)
            file.write(memory)


class Evaluator:
    """The expressions of a configuration, through the walker that is under test."""

    def __init__(self):
        self.module = {"__name__": "walker"}
        with open("tests/walk-from-json", encoding="utf-8") as file:
            exec(compile(file.read(), "tests/walk-from-json", "exec"), self.module)

    def format(self, description, settings):
        try:
            return self.module["Format"](description, dict(settings))
        except ValueError:
            return None


def present(format, inner):
    """The address that a device uses for what the tables see as inner."""
    i = format.f["input"]
    above = next((r["above"] for r in i["above"] if format.holds(r)), "zero")
    if above == "ones" or above == "sign" and inner >> format.top & 1:
        inner |= (1 << 64) - (1 << format.top + 1)
    return (inner + format.value(i.get("base", 0))) & (1 << 64) - 1


def leaf_sizes(format):
    widest = min(format.top, format.value(format.f["output"]["hi"])) + 1
    return sorted({kind["lg2"] for level in format.shape["levels"] if level["lo"] <= format.top for kind in level["kinds"]
                   if kind["category"] == "leaf" and format.holds(kind) and kind["lg2"] <= widest}, reverse=True)


def choose(format, rng, missed):
    """Leaves of every size, each where nothing is yet, near each other and far; the sizes that were missed first."""
    i, lines, taken = format.f["input"], [], []
    first = format.value(i["aperture_first"]) if "aperture_first" in i else 0
    last = format.value(i["aperture_last"]) if "aperture_last" in i else (1 << format.top + 1) - 1
    out = format.value(format.f["output"]["hi"]) + 1
    offset = format.value(format.f["output"].get("window", format.f["output"].get("base", 0)))
    centre = rng.randrange(first, last + 1)
    sizes = leaf_sizes(format)
    rng.shuffle(sizes)
    for lg2 in sorted(sizes, key=lambda lg2: lg2 not in missed):
        size = 1 << lg2
        for attempt in range(24):
            near = centre ^ rng.getrandbits(min(lg2 + 4, format.top + 1))
            inner = (near if first <= near <= last and attempt % 3 else rng.randrange(first, last + 1)) & -size
            if not first <= inner <= last + 1 - size or any(inner <= b and a <= inner + size - 1 for a, b in taken):
                continue
            taken.append((inner, inner + size - 1))
            prot = rng.choice(["r", "rw", "rx", "rwx"]) + rng.choice(["", "p"]) + rng.choice(["", "", "n", "d"]) + \
                rng.choice(["", "", "", "g"])
            lines.append((present(format, inner), offset + (rng.getrandbits(rng.randint(min(lg2, out), out)) & -size), size, prot))
            if sum(n == size for _, _, n, _ in lines) == 4:
                break
    rng.shuffle(lines)
    return lines


def addresses(format, lines, rng):
    """Hits, holes, ends, and what the table does not serve."""
    always, result = [], [0, (1 << 64) - 1]
    for address, _, size, _ in lines:
        always.append(address + rng.randrange(size))
        result += [address, address + size - 1, address - 1, address + size]
        result += [address + rng.randrange(size), address ^ 1 << rng.randrange(64)]
    for _ in range(24):
        result.append(present(format, rng.getrandbits(format.top + 1)))
        result.append(rng.getrandbits(64))
    for edge in (0, 1 << format.top, 1 << format.top + 1):
        result += [present(format, edge), present(format, edge) - 1]
    return [a & (1 << 64) - 1 for a in always + rng.sample(result, min(len(result), MOST))]


def differences(theirs, ours, error):
    if error:
        return error.splitlines()[-3:]
    if len(theirs) != len(ours):
        return [f"{len(theirs)} answers of pttool, {len(ours)} of the walker"]
    return [f"pttool: {a}   walker: {b}" for a, b in zip(theirs, ours) if a != b]


def compare(name, path, work):
    with open(path, encoding="utf-8") as file:
        description = json.load(file)
    rng = random.Random(f"{seed} {name}")
    wanted, hit = None, set()
    tries = configurations(description, rng)
    for n, settings in enumerate(tries):
        if n == len(tries) - 1 and n < 2 * MORE and (wanted is None or wanted - hit):
            tries.append({})  # large leaves may have left no room for others
        label = f"{name} {settings or ''}".strip()
        format = evaluator.format(description, settings)
        table = Table(name, path, settings, work)
        lines = table.build(choose(format, rng, (wanted or set()) - hit) if format else [])
        if format is None or lines is None:
            check(format is None and lines is None, f"{label}: only one of pttool and the JSON refuses this",
                  table.why if lines is None else "pttool takes it")
            continue
        wanted = set(leaf_sizes(format)) if wanted is None else wanted
        asked = addresses(format, lines, rng)
        theirs, ours, error = table.both(asked, [""] + (rng.sample(ACCESSES, 3) if settings else ACCESSES))
        wrong = differences(theirs, ours, error)
        check(not wrong, f"{label}: {len(wrong)} walks differ", *wrong[:5])
        hit |= {int(line.split()[2], 16).bit_length() - 1 for line in ours if " fault " not in line}
        table.damage(rng)
        wrong = differences(*table.both(asked, ["", rng.choice(ACCESSES)]))
        check(not wrong, f"{label}: {len(wrong)} walks of a damaged table differ", *wrong[:5])
    missed = (wanted or set()) - hit
    check(wanted, f"{name}: no configuration could be tried")
    check(not missed, f"{name}: no walk met a leaf of 2^{sorted(missed)} bytes")


evaluator = Evaluator()
with tempfile.TemporaryDirectory() as directory:
    everything = descriptions(directory)
    known = [line.split(":")[0] for line in run(f"{build}/pttool", "formats").stdout.splitlines() if re.match(r"\w+: ", line)]
    if not only:
        check_schema(everything)
    for each in only or known:
        if check(each in everything and each in known, f"{each}: pttool or ptgen does not know it"):
            compare(each, everything[each], directory)
print(f"seed {seed}")
skip = f", {skipped} skipped" if skipped else ""
print(f"{passed} passed, {failed} failed{skip}")
sys.exit(failed != 0)
