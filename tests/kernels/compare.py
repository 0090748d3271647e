# SPDX-License-Identifier: MIT
"""compare.py - what pttool reads in an image, beside what an emulator, a library and the kernel itself say."""
import json
import re
import subprocess

PAGE = 4096


def number(text):
    return int(text, 16)


class Table:
    """One table in an image, as pttool sees it: its options, found from registers, and its runs."""

    def __init__(self, pttool, core, format_name, settings, registers):
        self.pttool = pttool
        self.registers = registers
        command = ["registers", "--format", format_name]
        for setting in settings:
            command += ["--set", setting]
        command += [f"{name}=0x{value:x}" for name, value in registers.items()]
        self.asked = "pttool " + " ".join(command)
        self.found = self.output(command).splitlines()[0]
        self.options = self.found.split() + ["--ram", core]
        dump = json.loads(self.output(["dump", "--json"] + self.options))
        self.complete = dump["complete"]
        self.findings = dump["findings"]
        self.runs = [Run(run) for run in dump["runs"]]
        self.runs.sort(key=lambda run: run.first)
        self.text = self.output(["dump"] + self.options).splitlines()
        self.drawing = self.output(["dump", "--dot", "--depth", "3"] + self.options)
        self.verify = json.loads(self.output(["verify", "--json"] + self.options, (0, 1)))
        self.stats = self.output(["stats"] + self.options).splitlines()

    def output(self, arguments, status=(0,)):
        result = subprocess.run([self.pttool] + arguments, capture_output=True, text=True, timeout=300, check=False)
        if result.returncode not in status:
            raise RuntimeError(f"pttool {' '.join(arguments)}: status {result.returncode}: {result.stderr}")
        return result.stdout

    def walk(self, addresses, access=None):
        """(address, rest of the line) for each address."""
        arguments = ["walk"] + self.options + (["--access", access] if access else [])
        lines = self.output(arguments + [f"0x{address:x}" for address in addresses], (0, 1)).splitlines()
        return [line.split(" ", 1) for line in lines]

    def leaves(self):
        return sum(run.bytes // run.leaf for run in self.runs)

    def bytes(self):
        return sum(run.bytes for run in self.runs)


class Run:
    """One line of a dump."""

    def __init__(self, run):
        self.first, self.last, self.pa = number(run["first"]), number(run["last"]), number(run["pa"])
        self.leaf = number(run["leaf_size"])
        self.bytes = self.last - self.first + 1
        self.prot = run["prot"]
        self.fields = {name: number(value) for name, value in run["fields"].items()}

    def user(self):
        """Rights of unprivileged accesses."""
        return self.prot.split("/")[1] if "/" in self.prot else "" if "p" in self.prot else self.prot

    def any(self):
        """Rights of privileged accesses."""
        return self.prot.split("/", maxsplit=1)[0]


class Result:
    """How often two agreed; and the first places where they did not."""

    def __init__(self, name):
        self.name = name
        self.agreed = 0
        self.wrong = []

    def check(self, fine, text):
        if fine:
            self.agreed += 1
        else:
            self.wrong.append(text)


def with_tlb(table, text):
    """The monitor's `info tlb`: one line a leaf, with its own bits."""
    result = Result("leaves in `info tlb` of the emulator")
    letters = {"X": "XD", "G": "G", "D": "D", "A": "A", "C": "PCD", "T": "PWT", "U": "US", "W": "RW"}
    runs, at, seen = table.runs, 0, 0
    lines = [re.fullmatch(r"([0-9a-f]{16}): ([0-9a-f]{16}) (\S{9})", line.strip()) for line in text.splitlines()]
    entries = sorted((number(m[1]), number(m[2]), m[3]) for m in lines if m)
    if not entries or len(entries) != len(lines):
        result.check(False, "`info tlb` is not what it was: " + text[:200])
    for va, pa, flags in entries:
        while at < len(runs) and runs[at].last < va:
            at += 1
        run = runs[at] if at < len(runs) and runs[at].first <= va else None
        if run is None:
            result.check(False, f"0x{va:x} is mapped, and pttool does not say so")
            continue
        bits = {name: run.fields.get(name, 0) for name in letters.values()}
        same = all((letter in flags) == (bits[name] != 0) for letter, name in letters.items())
        result.check(run.pa + (va - run.first) == pa and same and ("P" in flags) == (run.leaf > PAGE),
                     f"0x{va:x}: the emulator says 0x{pa:x} {flags}, pttool 0x{run.pa + va - run.first:x} {bits}")
        seen += run.leaf
    result.check(seen == table.bytes(), f"the leaves of `info tlb` are 0x{seen:x} bytes, the runs 0x{table.bytes():x}")
    return result


def with_mem(table, text):
    """The monitor's `info mem`: ranges of the same rights, along all levels."""
    result = Result("ranges in `info mem` of the emulator")
    ours = []
    for run in table.runs:
        user, write = bool(run.user().strip("-")), "w" in run.any()
        if ours and ours[-1][1] == run.first and ours[-1][2:] == [user, write]:
            ours[-1][1] = run.last + 1
        else:
            ours.append([run.first, run.last + 1, user, write])
    theirs = []
    for line in text.splitlines():
        match = re.fullmatch(r"([0-9a-f]{16})-([0-9a-f]{16}) [0-9a-f]{16} (\S)(\S)(\S)", line.strip())
        if not match:
            result.check(False, "`info mem` is not what it was: " + line)
            break
        last = number(match[2])
        theirs.append([number(match[1]), last if last else 1 << 64, match[3] == "u", match[5] == "w"])
    theirs.sort()
    for their, our in zip(theirs, ours):
        result.check(their == our, f"the emulator says {their}, pttool {our}")
    result.check(len(ours) == len(theirs), f"the emulator has {len(theirs)} ranges, pttool {len(ours)}")
    return result


def with_library(table, program, name, fields, image, base):
    """libaddrxlat: the ends of every leaf of every run, and the addresses just outside of them."""
    result = Result("addresses walked by libaddrxlat: both ends of every leaf, and of every hole")
    lines = []
    bits = sum(int(field) for field in fields.split(","))
    for i, run in enumerate(table.runs):
        for at in range(run.first, run.last + 1, run.leaf):
            pa = run.pa + (at - run.first)
            lines.append(f"{at:x} {pa:x}")
            lines.append(f"{at + run.leaf - 1:x} {pa + run.leaf - 1:x}")
        before = table.runs[i - 1].last if i else None
        if run.first % (1 << bits) and before != run.first - 1:
            lines.append(f"{run.first - 1:x} -")
        after = table.runs[i + 1].first if i + 1 < len(table.runs) else None
        if (run.last + 1) % (1 << (bits - 1)) and after != run.last + 1:
            lines.append(f"{run.last + 1:x} -")
    answer = subprocess.run([program, name, fields, table.found.rsplit(" ", 1)[1], image, f"0x{base:x}"],
                            input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300, check=False)
    counts = re.search(r"asked (\d+), differ (\d+)\n$", answer.stdout)
    if not counts or int(counts[1]) != len(lines):
        result.check(False, "libaddrxlat was not asked: " + answer.stdout[-300:] + answer.stderr)
        return result
    result.agreed = len(lines) - int(counts[2])
    result.wrong += answer.stdout.splitlines()[:-1]
    return result


def with_monitor(table, machine):
    """The monitor's `gva2gpa`: the emulator's own walk, at both ends of every run."""
    result = Result("addresses walked by `gva2gpa` of the emulator: both ends of every run")
    for run in table.runs:
        for at in (run.first, run.last):
            text = machine.say(f"gva2gpa 0x{at:x}").strip()
            want = run.pa + (at - run.first)
            result.check(text == f"gpa: 0x{want:x}", f"0x{at:x}: the emulator says '{text}', pttool 0x{want:x}")
    return result


def with_pages(table, lines, name, what, exact):
    """Pages as the guest's kernel told them: (address, pa, rights). exact: there is nothing else in the table."""
    result = Result(what)
    for address, pa, rights in lines:
        run = next((run for run in table.runs if run.first <= address <= run.last), None)
        have = run and (run.pa + (address - run.first), "".join(c for c in run.user() if c in name))
        result.check(have == (pa, rights), f"0x{address:x}: the kernel says 0x{pa:x} {rights}, pttool "
                     + (f"0x{have[0]:x} {have[1]}" if have else "nothing"))
    if exact:
        result.check(len(lines) * PAGE == table.bytes(),
                     f"the kernel says 0x{len(lines) * PAGE:x} bytes, pttool 0x{table.bytes():x}")
    return result


def with_probes(table, probes):
    """Accesses that the device made: (address, "read" or "write", "fine" or "denied")."""
    result = Result("reads and writes of the device, allowed and refused")
    for address, kind, outcome in probes:
        line = table.walk([address], kind[0])[0][1]
        result.check(line.startswith("fault") == (outcome == "denied"),
                     f"the {kind} at 0x{address:x} was {outcome}; pttool says: {line}")
    return result
