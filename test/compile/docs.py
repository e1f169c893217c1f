#!/usr/bin/env python3
"""Compiles every C++ block of the documents that is not said to come from a file (test/lint/readme_examples.py compares
those), each in a coroutine of its own. What a block takes as given stands before it as the coroutine's parameters:
<!-- given: claudio::call_options options, std::string name -->. Then looks for members in the text that no header has.

Usage: docs.py COMPILER FLAG... -- DOCUMENT...   run from the project's root; nothing is linked
"""
import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"(?:<!-- (from|given:) *(.*?) -->\n)?^ *```(?:cpp|c\+\+|cxx|C\+\+)\n(.*?)^ *```", re.S | re.M)
# `class::member`, `object.member()` and `function()` of ours, in the running text.
MEMBER = re.compile(r"`[^`\n]*?\b([a-z_]+)::([a-z_0-9]+)[^`\n]*`")
PRELUDE = """#include <claudio/claudio.hpp>
#include <claudio/testing/fake_server.hpp>
#include <iostream>
#include <map>
#include <string>
namespace asio = boost::asio;
"""


def blocks_of(document, text):
    """The source that compiles all blocks of a document, and how many they are."""
    source, count = PRELUDE, 0
    for match in BLOCK.finditer(text):
        kind, said, code = match.groups()
        if kind == "from":
            continue
        count += 1
        line = text.count("\n", 0, match.start(3)) + 1
        if "int main(" in code or "#include" in code:
            source += f'namespace block_{count} {{\n#line {line} "{document}"\n{code}}}\n'
        else:
            source += (f"asio::awaitable<void> block_{count}({said or ''}) {{\n#line {line} \"{document}\"\n{code}"
                       "co_return;\n}\n")
    return source, count


def unknown_members(document, text, headers):
    words = {name: set(re.findall(r"\w+", body)) for name, body in headers.items()}
    for match in MEMBER.finditer(text):
        owner, member = match.groups()
        owners = [name for name, body in headers.items()
                  if re.search(rf"\b(?:class|struct|namespace|enum class) {owner}\b", body)]
        if owners and not any(member in words[name] for name in owners):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{document}:{line}: {owner} has no {member}"


def main(arguments):
    split = arguments.index("--")
    command, documents = arguments[:split], arguments[split + 1:]
    paths = [*pathlib.Path("include").rglob("*.hpp"), *pathlib.Path("cmake").glob("*.hpp.in")]
    headers = {path: path.read_text(encoding="utf-8") for path in paths}
    faults, compiled = 0, 0
    for document in documents:
        text = pathlib.Path(document).read_text(encoding="utf-8")
        for fault in unknown_members(document, text, headers):
            print(fault)
            faults += 1
        source, count = blocks_of(document, text)
        compiled += count
        if count:
            done = subprocess.run([*command, "-fsyntax-only", "-x", "c++", "-"], input=source, encoding="utf-8")
            faults += done.returncode != 0
    print(f"{compiled} blocks of {len(documents)} documents compiled")
    if compiled == 0:
        print("there were none: is the pattern right?")
    return 1 if faults or compiled == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
