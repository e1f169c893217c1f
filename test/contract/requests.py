#!/usr/bin/env python3
"""Translates every request of test/translation/requests.json and validates the outcome against the schema of November
2024. What is newer than that schema is taken away first, by name: anything else that it does not know is a fault."""
import json
import subprocess
import sys

import jsonschema

USUAL = {"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "Hi"}]}
NEWER_FIELDS = {"thinking", "output_config", "service_tier", "cache_control", "speed", "context_management",
                "mcp_servers", "container", "inference_geo"}
NEWER_BLOCKS = {"document", "search_result", "thinking", "redacted_thinking", "server_tool_use",
                "web_search_tool_result", "tool_reference"}
NEWER_BLOCK_FIELDS = {"cache_control", "citations"}
NEWER_TOOL_FIELDS = {"cache_control", "strict", "defer_loading", "input_examples", "eager_input_streaming",
                     "allowed_callers"}
OLDER_NAME_LIMIT = 64


def strip_block(block):
    """The block as the schema knows it, or None."""
    if block["type"] in NEWER_BLOCKS or block.get("source", {}).get("type") == "url":
        return None
    block = {key: value for key, value in block.items() if key not in NEWER_BLOCK_FIELDS}
    if isinstance(block.get("content"), list):
        block["content"] = [part for part in map(strip_block, block["content"]) if part]
    return block


def strip(request):
    request = {key: value for key, value in request.items() if key not in NEWER_FIELDS}
    turns = []
    for turn in request["messages"]:
        if isinstance(turn["content"], list):
            blocks = [block for block in map(strip_block, turn["content"]) if block]
            turn = {**turn, "content": blocks}
        turns.append(turn)
    request["messages"] = turns
    if isinstance(request.get("system"), list):
        request["system"] = [strip_block(block) for block in request["system"]]
    tools = [{key: value for key, value in tool.items() if key not in NEWER_TOOL_FIELDS}
             for tool in request.get("tools", []) if "type" not in tool and len(tool["name"]) <= OLDER_NAME_LIMIT]
    request.pop("tools", None)
    if tools:
        request["tools"] = tools
    if request.get("tool_choice") == {"type": "none"}:
        del request["tool_choice"]
    return request


def without_null_types(schema):
    """The document says "type": null where it means any type."""
    if isinstance(schema, dict):
        return {key: without_null_types(value) for key, value in schema.items() if not (key == "type" and value is None)}
    if isinstance(schema, list):
        return [without_null_types(value) for value in schema]
    return schema


def main():
    claudio, schema_path, table_path = sys.argv[1:]
    document = without_null_types(json.load(open(schema_path, encoding="utf-8")))
    validator = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/CreateMessageParams", "components": document["components"]})
    rows = [row for row in json.load(open(table_path, encoding="utf-8")) if "gives" in row]
    lines = []
    for row in rows:
        request = {**USUAL, **({"model": row["model"]} if "model" in row else {}), **row["given"]}
        lines.append(json.dumps({"op": "request", "openai_request": request}))
    done = subprocess.run([claudio, "translate"], input="\n".join(lines) + "\n", capture_output=True, check=True,
                          encoding="utf-8")
    answers = done.stdout.strip("\n").split("\n")
    faults = 0
    whole = 0
    for row, answer in zip(rows, answers, strict=True):
        request = json.loads(answer)["anthropic_request"]
        whole += validator.is_valid(request)
        fault = jsonschema.exceptions.best_match(validator.iter_errors(strip(request)))
        if fault:
            faults += 1
            print(f"{row['rule']}: {row['name']}: {fault.json_path}: {fault.message[:300]}")
    print(f"{len(rows)} requests, {whole} of them in all their parts; {faults} against the schema")
    # A validator that let everything pass would show here.
    broken = {**USUAL, "max_tokens": "many"}
    if faults or whole < len(rows) // 2 or validator.is_valid(broken):
        sys.exit(1)


main()
