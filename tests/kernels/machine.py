# SPDX-License-Identifier: MIT
"""machine.py - an emulated machine under a Linux kernel: its start, its console, its monitor, its registers."""
import json
import os
import re
import socket
import subprocess
import time


class Failed(Exception):
    """The machine did not do what it should; the message says what."""


def newc(entries):
    """A cpio archive, as the kernel unpacks it: (name, mode, data)."""
    out = bytearray()
    for number, (name, mode, data) in enumerate(entries + [("TRAILER!!!", 0, b"")]):
        fields = [number + 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def modules_for(directory, wanted):
    """The files of the wanted modules and of all that they need, what is needed first."""
    files = {}
    for path, _, names in os.walk(directory):
        for name in names:
            if name.endswith(".ko"):
                files[name[:-3].replace("-", "_")] = os.path.join(path, name)
    order = []

    def add(name):
        if name in order:
            return
        if name not in files:
            raise Failed(f"the kernel package has no module {name}")
        with open(files[name], "rb") as file:
            needs = re.search(rb"\0depends=([^\0]*)\0", file.read())
        for other in needs[1].decode().split(",") if needs else []:
            if other:
                add(other.replace("-", "_"))
        order.append(name)

    for name in wanted:
        add(name)
    return [(name + ".ko", files[name]) for name in order]


def initramfs(path, init, modules):
    """Writes what the kernel starts with: our program, and the modules that it loads."""
    with open(init, "rb") as file:
        entries = [("init", 0o100755, file.read()), ("modules", 0o40755, b"")]
    for name, source in modules:
        with open(source, "rb") as file:
            entries.append(("modules/" + name, 0o100644, file.read()))
    entries.append(("modules/list", 0o100644, "".join(name + "\n" for name, _ in modules).encode()))
    with open(path, "wb") as file:
        file.write(newc(entries))


class Machine:
    """QEMU, from its start to its end; use it in a with statement, so that it ends on every path."""

    def __init__(self, work, command, limit):
        self.work = work
        self.console = os.path.join(work, "console")
        self.limit = limit
        self.monitor = None
        self.commands = command + [
            "-serial", f"file:{self.console}", "-display", "none", "-nodefaults", "-no-reboot", "-accel", "tcg",
            "-qmp", f"unix:{work}/qmp,server=on,wait=off", "-gdb", f"unix:{work}/gdb,server=on,wait=off"]
        self.process = None

    def __enter__(self):
        with open(os.path.join(self.work, "errors"), "wb") as errors:
            self.process = subprocess.Popen(self.commands, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def errors(self):
        """What the emulator complained about, and the end of the console."""
        text = ""
        for name in ("errors", "console"):
            path = os.path.join(self.work, name)
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    text += "".join(file.readlines()[-15:])
        return text

    def wait_until_ready(self):
        """Returns the lines of the console that begin with @."""
        end = time.monotonic() + self.limit
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed("the emulator ended\n" + self.errors())
            if os.path.exists(self.console):
                with open(self.console, errors="replace") as file:
                    lines = [line.strip() for line in file]
                if any(line.startswith("@failed") or "Kernel panic" in line for line in lines):
                    raise Failed("the guest failed\n" + self.errors())
                if "@ready" in lines:
                    return lines
            time.sleep(0.2)
        raise Failed(f"not ready after {self.limit} s\n" + self.errors())

    def ask(self, name, **arguments):
        """One command of the machine protocol."""
        if self.monitor is None:
            self.monitor = socket.socket(socket.AF_UNIX)
            self.monitor.settimeout(self.limit)
            self.monitor.connect(f"{self.work}/qmp")
            self.answers = self.monitor.makefile("r")
            self.answers.readline()
            self.ask("qmp_capabilities")
        self.monitor.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        for line in self.answers:
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise Failed(f"{name}: {answer['error']['desc']}")
        raise Failed(f"{name}: the monitor closed")

    def say(self, line):
        """One command of the monitor for people; its text."""
        return self.ask("human-monitor-command", **{"command-line": line})

    def read(self, pa, words):
        """64-bit words of physical memory or of registers there, as the monitor shows them."""
        text = self.say(f"xp /{words}gx 0x{pa:x}")
        values = [int(word, 16) for line in text.splitlines() for word in line.split(":", 1)[1].split()]
        if len(values) != words:
            raise Failed(f"the monitor does not show 0x{pa:x}: {text}")
        return values

    def read_words(self, pa, words):
        """32-bit words, for registers of that size."""
        text = self.say(f"xp /{words}wx 0x{pa:x}")
        return [int(word, 16) for line in text.splitlines() for word in line.split(":", 1)[1].split()]

    def system_registers(self, names):
        """Registers that the monitor does not show, through the stub for debuggers."""
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(self.limit)
        link.connect(f"{self.work}/gdb")
        pending = bytearray()

        def receive():
            while True:
                match = re.search(rb"\$([^#]*)#..", pending)
                if match:
                    text = bytes(match[1])
                    del pending[:match.end()]
                    link.sendall(b"+")
                    return text
                part = link.recv(65536)
                if not part:
                    raise Failed("the stub for debuggers closed")
                pending.extend(part)

        def exchange(text):
            data = text.encode()
            link.sendall(b"$%s#%02x" % (data, sum(data) & 255))
            return receive()

        def document(name):
            text = b""
            while True:
                part = exchange(f"qXfer:features:read:{name}:{len(text):x},ffb")
                text += part[1:]
                if part[:1] != b"m":
                    return text.decode()

        exchange("qSupported:xmlRegisters=arm")
        document("target.xml")
        listed = document("system-registers.xml")
        values = {}
        for name in names:
            match = re.search(rf'<reg name="{name}"[^>]*regnum="(\d+)"', listed)
            if not match:
                raise Failed(f"the stub for debuggers has no {name}")
            answer = exchange(f"p{int(match[1]):x}").decode()
            if answer.startswith("E"):
                raise Failed(f"the stub for debuggers refuses {name}: {answer}")
            values[name] = int.from_bytes(bytes.fromhex(answer), "little")
        link.close()
        return values
