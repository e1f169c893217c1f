#!/usr/bin/env python3
"""Arrows point down: the layer rule of CONTRIBUTING.md, read from the #include lines. Run from the project's root."""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

# What the files of a folder of lib/ may include of lib/.
ALLOWED = {
    "core": {"core"},
    "policy": {"policy", "core"},
    "async": {"async", "core"},
    "observe": {"observe", "async", "core"},
    "net": {"net", "policy", "async", "core", "observe"},
    "runtime": {"runtime", "net", "policy", "async", "core", "observe"},
    "postgres": {"postgres", "net", "async", "core", "observe"},
    "vault": {"vault", "core", "observe"},
    "store": {"store", "vault", "postgres", "runtime", "async", "core"},
    "testing": {"testing", "async", "core"},
}
# What of the public API a layer may not know.
UNKNOWN = {"vault": {"claudio/store.hpp", "claudio/configuration.hpp", "claudio/model_manager.hpp"}}
HIDDEN = ("boost/beast", "boost/asio/ssl", "openssl/", "spdlog/", "sqlite3", "libpq", "CLI/")
# All that a public header may see of Asio.
PUBLIC_ASIO = {"boost/asio/awaitable.hpp", "boost/asio/any_io_executor.hpp"}

faults = []


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def reach(path, seen):
    """All system headers that a file includes, through claudio's own public headers."""
    for kind, name in includes(path):
        if name.startswith("claudio/"):
            header = pathlib.Path("include") / name
            if header not in seen:
                seen.add(header)
                yield from reach(header, seen)
        elif kind == "<":
            yield name


for path in sorted(pathlib.Path("lib").rglob("*.?pp")):
    layer = path.parts[1]
    for kind, name in includes(path):
        folder = name.split("/")[0]
        if kind == '"' and folder not in ALLOWED[layer]:
            faults.append(f"{path}: {layer} may not include \"{name}\"")
        if name in UNKNOWN.get(layer, ()):
            faults.append(f"{path}: {layer} may not know <{name}>")
        if layer in ("core", "policy") and name.startswith(("boost/asio",) + HIDDEN):
            faults.append(f"{path}: {layer} is pure, it may not include <{name}>")
    if layer == "core":
        for name in reach(path, set()):
            if name.startswith("boost/asio"):
                faults.append(f"{path}: core may not see <{name}>, not even through a public header")

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
