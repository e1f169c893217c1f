#!/usr/bin/env bash
# JSON lines in, one answer line each out, in order; a bad line does not stop the rest.
# Usage: translate.sh CLAUDIO
set -uo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/in" << 'LINES'
{"op":"request","openai_request":{"model":"claude-3-5-sonnet-20241022","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"Hello!"}],"max_tokens":1000,"temperature":1}}
not json
{"op":"request","openai_request":{"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"}],"seed":1,"speed":"fast"}}
{"op":"fly"}
{"op":"response","anthropic_response":{"id":"msg_1","type":"message","model":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}},"openai_request":{}}
{"op":"request","openai_request":{"messages":[]}}
{"op":"response","anthropic_response":{"id":"msg_1","type":"message","model":"m","content":[{"type":"tool_use","id":"t","name":"json_answer","input":{"a":1}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}},"openai_request":{"model":"claude-3-haiku-20240307","messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}}}
{"op":"error","status":529,"headers":{"request-id":"req_1","retry-after":"3"},"body":"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"}
{"op":"error","status":"high","body":""}
{"op":"request","op":"request"}
{"op":"stream","reads":["ZXZlbnQ6IHBpbmcKZGF0YTogeyJ0eXBlIjoicGlu","ZyJ9Cgo="],"openai_request":{}}
{"op":"stream","reads":["eyJpZCI6Im0iLCJ0eXBlIjoibWVzc2FnZSIsIm1vZGVsIjoiYyIsIg==","Y29udGVudCI6W3sidHlwZSI6InRleHQiLCJ0ZXh0IjoiXHVkODAwIn1dLCJzdG9wX3JlYXNvbiI6ImVuZF90dXJuIn0="]}
{"op":"stream","reads":["?"]}
LINES
cat > "$work/expected" << 'LINES'
{"anthropic_request":{"model":"claude-3-5-sonnet-20241022","system":"You are a helpful assistant.","messages":[{"role":"user","content":"Hello!"}],"max_tokens":1000,"temperature":1},"warnings":[]}
{"error":{"status":400,"body":{"error":{"message":"the line is not a JSON object: syntax error","type":"invalid_request_error","param":null,"code":null}}}}
{"anthropic_request":{"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"}],"max_tokens":4096,"speed":"fast"},"warnings":["seed: Claude has no such field; left out"],"headers":{"anthropic-beta":"fast-mode-2026-02-01"}}
{"error":{"status":400,"body":{"error":{"message":"op: expected \"request\", \"response\", \"stream\" or \"error\"","type":"invalid_request_error","param":"op","code":null}}}}
{"openai_response":{"id":"msg_1","object":"chat.completion","created":TIME,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}}}
{"error":{"status":400,"body":{"error":{"message":"model: missing; expected the name of a model","type":"invalid_request_error","param":"model","code":null}}}}
{"openai_response":{"id":"msg_1","object":"chat.completion","created":TIME,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"{\"a\":1}","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}}}
{"error":{"status":503,"headers":{"x-request-id":"req_1","retry-after":"3"},"body":{"error":{"message":"Overloaded","type":"server_error","param":null,"code":"overloaded"}}}}
{"error":{"status":400,"body":{"error":{"message":"status: expected an HTTP status","type":"invalid_request_error","param":"status","code":null}}}}
{"error":{"status":400,"body":{"error":{"message":"the line is not a JSON object: a key stands twice in the same object","type":"invalid_request_error","param":null,"code":null}}}}
{"openai_sse":"data: {\"error\":{\"message\":\"the stream ended before its answer was complete\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n"}
{"openai_sse":"data: {\"id\":\"m\",\"object\":\"chat.completion.chunk\",\"created\":TIME,\"model\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\ndata: {\"id\":\"m\",\"object\":\"chat.completion.chunk\",\"created\":TIME,\"model\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"�\"},\"logprobs\":null,\"finish_reason\":null}]}\n\ndata: {\"id\":\"m\",\"object\":\"chat.completion.chunk\",\"created\":TIME,\"model\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n","warnings":["the answer has text that is not valid Unicode; U+FFFD stands in its place"]}
{"error":{"status":400,"body":{"error":{"message":"reads: not an array of base64 texts","type":"invalid_request_error","param":"reads","code":null}}}}
LINES
"$1" translate < "$work/in" > "$work/out"
status=$?
sed -E 's/"created":[0-9]+/"created":TIME/; s/created\\":[0-9]+/created\\":TIME/g; s/at byte [0-9]+: [a-z ]*"/syntax error"/; s/not valid JSON:? //' "$work/out" | diff "$work/expected" - && [ $status -eq 0 ] || exit 1

# What lenient translation leaves out, strict refuses.
strict='{"error":{"status":400,"body":{"error":{"message":"seed: Claude has no such field","type":"invalid_request_error","param":"seed","code":null}}}}'
[ "$(sed -n 3p "$work/in" | "$1" translate --strict)" = "$strict" ] || exit 1

line='{"op":"request","openai_request":{"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"a"},{"role":"system","content":"b"}]}}'
marked='{"anthropic_request":{"model":"claude-sonnet-4-6","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"<system>\nb\n</system>"}]}],"max_tokens":4096},"warnings":[]}'
[ "$("$1" translate --system-messages user_turn <<< "$line")" = "$marked" ] || exit 1
! "$1" translate --system-messages elsewhere <<< "$line" 2> /dev/null
