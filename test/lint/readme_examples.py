#!/usr/bin/env python3
"""Every C++ block of a document that is said to come from a file stands in that file, line for line. The others are
compiled by test/compile/docs.py.

Usage: readme_examples.py DOCUMENT...   run from the project's root
"""
import re
import sys

BLOCK = re.compile(r"<!-- from (\S+) -->\n```cpp\n(.*?)```", re.S)
failed = False
for document in sys.argv[1:]:
    with open(document, encoding="utf-8") as file:
        text = file.read()
    blocks = BLOCK.findall(text)
    for path, code in blocks:
        with open(path, encoding="utf-8") as file:
            if code not in file.read():
                print(f"{document}: the block from {path} differs from it")
                failed = True
sys.exit(1 if failed else 0)
