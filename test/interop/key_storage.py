#!/usr/bin/env python3
"""What docs/key-storage.md says of the formats, by another implementation: its own Python for format 2, the test vectors, and
the databases in test/store/data. Run from the project's root."""
import base64
import hmac
import pathlib
import re
import sqlite3
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

text = pathlib.Path("docs/key-storage.md").read_text(encoding="utf-8")
page = {}
exec(re.search(r"```python\n(import hmac.*?)```", text, re.S).group(1), page)  # derive, associated, unseal


def vector(number):
    """The names in the sentence, and the bytes in the block below it."""
    prose = re.search(rf"A test vector of format {number}\. (.*?):\n\n```\n(.*?)```", text, re.S)
    given = {}
    for line in prose.group(2).splitlines():
        name, value = line[:18].strip(), line[18:].strip()
        last = name or last
        given[last] = given.get(last, "") + value
    return re.findall(r"`([^`]+)`", prose.group(1)), {name: bytes.fromhex(value) for name, value in given.items()}


def unseal_format_1(sealed, key, owner, row, field, version):
    def associated(purpose, key_id):
        parts = [purpose, key_id, owner, row, field]
        return b"CLV\x01" + b"".join(struct.pack(">I", len(part)) + part for part in parts) + struct.pack(">Q", version)

    key_id = hmac.digest(key, b"claudio key id", "sha256")[:8]
    assert sealed[:12] == b"CLV\x01" + key_id
    data_key = AESGCM(key).decrypt(sealed[12:24], sealed[24:72], associated(b"key", key_id))
    return AESGCM(data_key).decrypt(sealed[72:84], sealed[84:], associated(b"text", b""))


def check_vector_1():
    (key, owner, row, field, secret), given = vector(1)
    key = base64.b64decode(key)
    assert hmac.digest(key, b"claudio key id", "sha256")[:8] == given["key id"]
    sealed = given["sealed"]
    assert AESGCM(key).decrypt(sealed[12:24], sealed[24:72], given["data of the key"]) == given["data key"]
    assert AESGCM(given["data key"]).decrypt(sealed[72:84], sealed[84:], given["data of the text"]) == secret.encode()
    assert unseal_format_1(sealed, key, owner.encode(), row.encode(), field.encode(), 1) == secret.encode()


def check_vector_2():
    (database, key, owner, row, field, secret), given = vector(2)
    key, database = base64.b64decode(key), bytes.fromhex(database)
    place = (database, owner.encode(), row.encode(), field.encode(), 1)
    assert hmac.digest(key, b"claudio key id", "sha256")[:8] == given["key id"]
    assert page["derive"](b"claudio key encryption", key, database) == given["wrapping key"]
    assert page["derive"](b"claudio key commitment", key, database) == given["commitment"]
    assert page["associated"](b"key", given["key id"], *place) == given["data of the key"]
    assert page["associated"](b"text", b"", *place) == given["data of the text"]
    sealed = given["sealed"]
    assert AESGCM(given["wrapping key"]).decrypt(sealed[44:56], sealed[56:104], given["data of the key"]) == given["data key"]
    assert page["unseal"](sealed, key, *place) == secret.encode()


def check_database(path, format):
    key = bytes(range(32))
    tables = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    tables.row_factory = sqlite3.Row
    assert tables.execute("PRAGMA user_version").fetchone()[0] == format
    store = tables.execute("SELECT * FROM store").fetchone()

    def unseal(sealed, owner, row, field, version):
        names = owner.encode(), row.encode(), field.encode(), version
        if format == 1:
            return unseal_format_1(sealed, key, *names)
        return page["unseal"](sealed, key, store["database_id"], *names)

    if format == 1:
        fingerprint_key = signing_key = unseal(store["fingerprint_key"], "", "fingerprint_key", "", 0)
    else:
        field = f"scrypt {store['passphrase_cost']} {store['salt'].hex()}"
        fingerprint_key = unseal(store["sealed_fingerprint_key"], "", "fingerprint_key", field, 0)
        authentication_key = unseal(store["sealed_authentication_key"], "", "authentication_key", field, 0)
        signing_key = page["derive"](b"claudio row authentication", authentication_key, store["database_id"])
    found = {}
    for row in tables.execute("SELECT * FROM secrets"):
        secret = unseal(row["sealed"], row["provider_name"], row["id"], row["field"], row["version"])
        assert hmac.digest(fingerprint_key, secret, "sha256")[:16] == row["fingerprint"]
        found[row["provider_name"], row["field"]] = secret
    assert found == {("anthropic", "api_key"): b"sk-ant-api03-number-one-0001",
                     ("second", "api_key"): b"sk-ant-api03-number-two-0002",
                     ("second", "headers.x-auth"): b"sk-ant-header-token"}
    for row in tables.execute("SELECT * FROM providers"):
        parts = [row[name].encode() for name in ("name", "provider_type", "support_model_type", "provider_config")]
        signed = b"claudio provider" + b"".join(b"%d:%s" % (len(part), part) for part in parts)
        assert hmac.digest(signing_key, signed, "sha256") == row["authentication"]


check_vector_1()
check_vector_2()
for format in (1, 2):
    check_database(f"test/store/data/format_{format}.db", format)
print("docs/key-storage.md is right: two test vectors, two databases")
