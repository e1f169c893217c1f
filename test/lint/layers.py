#!/usr/bin/env python3
"""Arrows point down: the layer rule of CONTRIBUTING.md, read from the #include lines, those of included files too.
Run from the project's root."""
import functools
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

# What the files of a folder of lib/ may include of lib/, also by way of others.
ALLOWED = {
    "core": {"core"},
    "policy": {"policy", "core"},
    "async": {"async", "core"},
    "observe": {"observe", "async", "core"},
    "net": {"net", "observe", "policy", "async", "core"},
    "call": {"call", "net", "observe", "policy", "async", "core"},
    "runtime": {"runtime", "call", "net", "observe", "policy", "async", "core"},
    "postgres": {"postgres", "net", "observe", "async", "core"},
    "vault": {"vault", "observe", "async", "core"},
    "store": {"store", "vault", "postgres", "runtime", "call", "net", "observe", "policy", "async", "core"},
    "testing": {"testing", "async", "core"},
}
# Free of all that waits.
PURE = {"core", "policy"}
# What of the public API a layer may not know.
UNKNOWN = {"vault": {"claudio/store.hpp", "claudio/configuration.hpp", "claudio/model_manager.hpp"}}
HIDDEN = ("boost/beast", "boost/asio/ssl", "openssl/", "spdlog/", "sqlite3", "libpq", "CLI/")
# All that a public header may see of Asio.
PUBLIC_ASIO = {"boost/asio/awaitable.hpp", "boost/asio/any_io_executor.hpp"}

faults = []


@functools.cache
def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def file_of(kind, name):
    """The file of ours that an include line means, or None."""
    if name.startswith("claudio/"):
        return pathlib.Path("include") / name
    return pathlib.Path("lib") / name if kind == '"' else None


def reach(path, way=(), seen=None):
    """All that a file includes, directly or not, each with the files on the way to it."""
    seen = set() if seen is None else seen
    for kind, name in includes(path):
        yield kind, name, way
        ours = file_of(kind, name)
        if ours is not None and ours.exists() and ours not in seen:
            seen.add(ours)
            yield from reach(ours, way + (str(ours),), seen)


def by(way):
    return " by way of " + " and ".join(way) if way else ""


for path in sorted(pathlib.Path("lib").rglob("*.?pp")):
    layer = path.parts[1]
    for kind, name, way in reach(path):
        if kind == '"' and not name.startswith("claudio/") and name.split("/")[0] not in ALLOWED[layer]:
            faults.append(f'{path}: {layer} may not include "{name}"{by(way)}')
        if name in UNKNOWN.get(layer, ()):
            faults.append(f"{path}: {layer} may not know <{name}>{by(way)}")
        if layer in PURE and name.startswith(("boost/asio",) + HIDDEN):
            faults.append(f"{path}: {layer} is pure, it may not include <{name}>{by(way)}")

for path in sorted(pathlib.Path("include").rglob("*.hpp")):
    for kind, name in includes(path):
        if path.name == "claudio.hpp" and name.startswith("boost/asio/") and "ssl" not in name:
            continue  # for users' convenience; no other header of ours includes it
        if name.startswith(HIDDEN) or (name.startswith("boost/asio") and name not in PUBLIC_ASIO):
            faults.append(f"{path}: a public header may not include <{name}>")
        if kind == '"':
            faults.append(f"{path}: a public header includes with <claudio/…>, not \"{name}\"")

print("\n".join(faults), end="\n" if faults else "")
sys.exit(1 if faults else 0)
