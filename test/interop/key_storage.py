#!/usr/bin/env python3
"""The test vector of docs/key-storage.md, by another implementation of what is written there. Run from the project's root."""
import base64
import hashlib
import hmac
import pathlib
import re
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

text = pathlib.Path("docs/key-storage.md").read_text(encoding="utf-8")
prose = re.search(r"A test vector\. (.*?):\n\n```\n(.*?)```", text, re.S)
key, provider, row, field, secret = re.findall(r"`([^`]+)`", prose.group(1))
given = {}
for line in prose.group(2).splitlines():
    name, value = line[:18].strip(), line[18:].strip()
    last = name or last
    given[last] = given.get(last, "") + value
given = {name: bytes.fromhex(value) for name, value in given.items()}

key = base64.b64decode(key)
assert hmac.new(key, b"claudio key id", hashlib.sha256).digest()[:8] == given["key id"]


def associated(purpose, key_id):
    parts = [purpose, key_id, provider.encode(), row.encode(), field.encode()]
    return b"CLV\x01" + b"".join(struct.pack(">I", len(part)) + part for part in parts) + struct.pack(">Q", 1)


assert associated(b"key", given["key id"]) == given["data of the key"]
assert associated(b"text", b"") == given["data of the text"]
sealed = given["sealed"]
assert sealed[:12] == b"CLV\x01" + given["key id"]
data_key = AESGCM(key).decrypt(sealed[12:24], sealed[24:72], given["data of the key"])
assert data_key == given["data key"]
assert AESGCM(data_key).decrypt(sealed[72:84], sealed[84:], given["data of the text"]) == secret.encode()
print("the test vector of docs/key-storage.md is right")
