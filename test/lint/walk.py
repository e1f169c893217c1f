#!/usr/bin/env python3
"""The files that a call passes on its way down, in order: compiles the library with -finstrument-functions, makes one
invoke() and reads one event of a stream, and lists the files of lib/ in the order in which they are first entered; a
header and its source count as one. A file that is entered from one that stands behind it in the list is a step upward:
none is allowed but those of UPWARD, and coroutines that go on. Run from the project's root; with --check the lists have
to be those of CONTRIBUTING.md."""
import collections
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path.cwd()
BUILD = ROOT / "build" / "walk"
FLAGS = "-O1 -g1 -finstrument-functions -finstrument-functions-exclude-file-list=/usr/include,/usr/lib,include/claudio"
LAYERS = ("runtime", "call", "net", "async")
# Values that go along with a call, and what everybody uses.
CARRIED = {"call/request", "call/credentials", "net/call_progress", "net/request_pieces", "net/response",
           "net/thread_buffers", "runtime/model_state"}
# What was handed down and is called back: from where, to where, and why.
UPWARD = {
    ("call/retry", "call/call"): "the retry loop makes attempts and tells of them",
    ("call/whole_message", "call/call"): "it is a call",
    ("call/whole_message", "call/endpoint"): "the endpoint knows the prices",
    ("call/answer_source", "call/live_source"): "it is a source",
    ("async/on_home", "call/answer_source"): "it runs what it was given",
}
# What wakes those who wait: they go on from here, wherever they are.
WAKES = {"net/socket_poller"}


def build():
    # No launcher: the flags change what is cached for others.
    subprocess.run(["cmake", "-G", "Ninja", "-S", ".", "-B", BUILD, "-DCMAKE_BUILD_TYPE=None", f"-DCMAKE_CXX_FLAGS={FLAGS}",
                    "-DCLAUDIO_CCACHE=ON", "-DCLAUDIO_BUILD_STORE=OFF", "-DCLAUDIO_BUILD_TOOLS=OFF",
                    "-DCLAUDIO_BUILD_EXAMPLES=OFF", "-DCMAKE_EXE_LINKER_FLAGS=-no-pie"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", "test_walk"], check=True, stdout=sys.stderr)
    return BUILD / "test" / "test_walk"


def symbols(program, addresses):
    """Where each function is: (its part of lib/ or None, its mangled name)."""
    told = subprocess.run(["addr2line", "-f", "-e", program], input="\n".join(addresses), capture_output=True, text=True,
                          check=True).stdout.splitlines()
    found = {}
    for address, name, place in zip(addresses, told[0::2], told[1::2]):
        file = os.path.relpath(os.path.normpath(ROOT / re.sub(r":\d+.*$", "", place)), ROOT)
        part = file.removeprefix("lib/").rsplit(".", 1)[0] if file.startswith("lib/") else None
        passed = part is not None and part.split("/")[0] in LAYERS and part not in CARRIED
        found[address] = (part if passed else None, name)
    return found


def walk(steps, found):
    """The parts in the order of their first entry, and the steps upward."""
    order, upward, stack = [], collections.Counter(), []
    for what, address in steps:
        part, name = found[address]
        if what == "<":
            if stack:  # what had begun before the recording is not on it
                stack.pop()
            continue
        caller = next((one for one in reversed(stack) if one), None)
        stack.append(part)
        if part is None:
            continue
        if part not in order:
            order.append(part)
        if caller and caller not in WAKES and order.index(part) < order.index(caller) and not is_cleaning_up(name):
            upward[(caller, part, name)] += 1
    return order, upward


def is_cleaning_up(name):
    """Destructors end what was begun, wherever the last owner is."""
    return re.search(r"D[012]Ev$", name) is not None


def demangle(name):
    return subprocess.run(["c++filt", "-p", name], capture_output=True, text=True, check=True).stdout.strip()


def main():
    program = build()
    told = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    walks = [part.split("\n", 1) for part in told.split("= ")[1:]]
    walks = {name: [line.split() for line in lines.splitlines()] for name, lines in walks}
    found = symbols(program, sorted({address for steps in walks.values() for _, address in steps}))
    faults, listed = [], []
    for name, steps in walks.items():
        order, upward = walk(steps, found)
        listed.append(f"{name}: " + " → ".join(order))
        for (caller, part, function), times in upward.items():
            if (caller, part) not in UPWARD:
                faults.append(f"{name}: {caller} calls up into {part} ({demangle(function)}, {times} times)")
    print("\n".join(listed))
    if "--check" in sys.argv:
        text = re.sub(r"[\s>]+", " ", pathlib.Path("CONTRIBUTING.md").read_text(encoding="utf-8"))
        faults += [f"CONTRIBUTING.md has another list: {line}" for line in listed if line not in text]
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


sys.exit(main())
