#!/usr/bin/env bash
# JSON lines in, one answer line each out, in order; a bad line does not stop the rest.
# Usage: translate.sh CLAUDIO
set -uo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/in" << 'LINES'
{"op":"request","openai_request":{"model":"claude-3-5-sonnet-20241022","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"Hello!"}],"max_tokens":1000,"temperature":1}}
not json
{"op":"request","openai_request":{"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"}],"seed":1}}
{"op":"fly"}
{"op":"response","anthropic_response":{"id":"msg_1","type":"message","model":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}},"openai_request":{}}
{"op":"request","openai_request":{"messages":[]}}
LINES
cat > "$work/expected" << 'LINES'
{"anthropic_request":{"model":"claude-3-5-sonnet-20241022","system":"You are a helpful assistant.","messages":[{"role":"user","content":"Hello!"}],"max_tokens":1000,"temperature":1},"warnings":[]}
{"error":{"status":400,"body":{"error":{"message":"the line is not a JSON object: syntax error","type":"invalid_request_error","param":null,"code":null}}}}
{"error":{"status":400,"body":{"error":{"message":"seed: can't be carried to Claude yet; remove the field","type":"invalid_request_error","param":"seed","code":null}}}}
{"error":{"status":400,"body":{"error":{"message":"op: expected \"request\" or \"response\"","type":"invalid_request_error","param":"op","code":null}}}}
{"openai_response":{"id":"msg_1","object":"chat.completion","created":TIME,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0}},"system_fingerprint":null}}
{"error":{"status":400,"body":{"error":{"message":"model: missing; expected the name of a model","type":"invalid_request_error","param":"model","code":null}}}}
LINES
"$1" translate < "$work/in" > "$work/out"
status=$?
sed -E 's/"created":[0-9]+/"created":TIME/; s/object: [a-z ]*"/object: syntax error"/' "$work/out" | diff "$work/expected" - && [ $status -eq 0 ]
