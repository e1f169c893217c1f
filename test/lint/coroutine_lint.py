#!/usr/bin/env python3
"""Finds the coroutine idioms that g++ 12.2 miscompiles, and the hop that Asio 1.81 gets wrong.

In one statement with a co_await there must be no ?:, no temporary made with braces and values, and no lambda that
captures by value; co_spawn to another executor is never awaited with use_awaitable. What g++ 12 makes of them:

    co_await claude.invoke(chat_request().user(c ? a : b), d ? x : y);          compiles, and crashes at -O2
    co_await claude.invoke(request, options{a, b});                            destroys what it holds twice
    co_await claude.invoke(chat_request().set("tool_choice", {{"type", "auto"}}));   error: array used as initializer
    co_await retry(context, [copy]() -> awaitable<result<int>> { ... });       uses the copy after its end

Give what is in the way a name, and await that: auto request = chat_request().user(c ? a : b); g++ 13 and clang need
none of this. `claudio_check_coroutines(TARGET)` runs this over a target's sources (README.md).

Usage: coroutine_lint.py FILE...     exit status 1 when something is found
       coroutine_lint.py --self-test
"""
import re
import sys

# A capture list with anything but references, `this` and nothing: [x], [=], [x = …], [&, x = …], [*this]
VALUE_CAPTURE = re.compile(r"\[\s*(?![\s&\]]|this\b)[^\[\]]*\]\s*(?:\(|mutable|\{|->)|\[[^\[\]]*,\s*(?!&|this\b)[^\[\]]*\]\s*(?:\(|mutable|\{|->)"
                           r"|\[[^\[\]]*=[^\[\]]*\]\s*(?:\(|mutable|\{|->)")
# Type{value}, ({value}, or , {value}: an aggregate may hide behind each. Empty braces are harmless.
# {{ is a list of such, as in set("…", {{"key", value}}).
BRACED = re.compile(r"(?:[\w>]|[(,{]\s*|\breturn\s*)\{\s*[^\s{}]")
# Whether awaited here or through a name later. bind_cancellation_slot and callbacks are fine.
HOP = re.compile(r"\bco_spawn\s*\(.*\b(?:use_awaitable|deferred)\s*\)\s*;?\s*$", re.S)


def blank_out(source):
    """Comments and literals become blanks of the same length, so that positions stay. Of a literal behind a brace one
    character is left: the braces are not empty."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(match):
        text = match.group(0)
        if text.startswith("'") and match.start() and source[match.start() - 1].isdigit():
            return text  # a digit separator
        blanks = re.sub(r"[^\n]", " ", text)
        is_comment = text.startswith("/")
        return blanks if is_comment or not source[:match.start()].rstrip().endswith("{") else "0" + blanks[1:]

    return pattern.sub(blank, source)


def statements(source):
    """Yields (position, text) of each innermost run between ; { } that are not inside parentheses or brackets, where
    braces inside parentheses belong to the statement."""
    start, depth = 0, 0
    for position, character in enumerate(source):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth = max(0, depth - 1)
        elif depth == 0 and character in ";{}":
            # Type{…} after an identifier or = is an initializer, not a block, when it ends before the next ;
            yield start, source[start:position + 1]
            start = position + 1


def findings(source):
    clean = blank_out(source)
    for start, text in statements(clean):
        # A lambda's body that stands inside the statement has statements of its own.
        body = re.search(r"\)\s*(?:mutable\s*)?(?:->\s*[\w:<>, ]+)?\s*\{", text)
        if HOP.search(text):
            yield clean.count("\n", 0, start + text.index("co_spawn")) + 1, "co_spawn(…, use_awaitable): use on_home, cancellation races here in Boost 1.81"
        if "co_await" not in text:
            continue
        at = start + text.index("co_await")
        line = clean.count("\n", 0, at) + 1
        outside = text
        if body and text.index("co_await") > body.start() and "[" in text[:body.start()]:
            for inner in findings(text[body.end():text.rindex("}") if "}" in text[body.end():] else len(text)]):
                yield (clean.count("\n", 0, start + body.end()) + inner[0], inner[1])
            outside = text[:body.start()]
            if "co_await" not in outside:
                continue
        if re.search(r"\?[^:]*:(?!:)|\?(?=.*[^:]:[^:])", outside, re.S):
            yield line, "?: in a statement with co_await: use if, and a named object"
        if VALUE_CAPTURE.search(outside):
            yield line, "a lambda that captures by value in a statement with co_await: name it first"
        if BRACED.search(re.sub(r"\{\s*$", "", outside)):
            yield line, "a braced temporary in a statement with co_await: name it first (g++ 12 destroys it twice, or says \"array used as initializer\")"


def self_test():
    bad = [
        "auto x = co_await (flag ? f() : g());",
        "auto x = flag ? co_await f() : 1;",
        "co_await retry(context, [p]() -> awaitable<result<int>> { co_return 1; });",
        "co_await retry(context, [=]{ return g(); });",
        "co_await retry(context, [&, s = std::move(s)]{ return g(); });",
        "co_await f(options{p, s});",
        "co_await f({p, s});",
        "auto x = co_await asio::co_spawn(other, f(), asio::use_awaitable);",
        "auto work = co_spawn(other, f(), use_awaitable); auto x = co_await std::move(work);",
        "auto x = co_await co_spawn(other, f(), asio::deferred);",
        "if (auto x = co_await f({.a = 1}); !x) {}",
        "co_await claude.invoke(chat_request().user(c ? a : b), d ? x : y);",
        "auto r = co_await claude.invoke(chat_request()\n    .user(c\n  ? a\n  : b));",
        "auto r = co_await claude.invoke(chat_request().set(\"tool_choice\", {{\"type\", \"auto\"}}));",
        "auto r = co_await claude.invoke(\n  chat_request()\n    .set(\"stop\", {\n      {key, value},\n    }));",
        "auto r = co_await claude.invoke(chat_request().set(\"stop\", {\"a\", \"b\"}));",
        "auto r = co_await claude.invoke(json::object{{\"model\", name}});",
        "auto r = co_await f(R\"x(a)x\", {R\"(b)\"});",
    ]
    good = [
        "auto x = co_await f();",
        "auto trying = flag ? f() : g(); auto x = co_await std::move(trying);",
        "co_await retry(context, [&] { return g(); });",
        "auto op = [p]() -> awaitable<int> { auto y = co_await f(); co_return y; };",
        "co_await f(options{});",
        "co_await f(\"{p} ? : [x]\"); // ?: [=] {x}",
        "while (co_await next()) { f({1, 2}); }",
        "co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));",
        "co_await wait(std::chrono::seconds(1'000));",
        "auto request = chat_request().user(c ? a : b); auto r = co_await claude.invoke(request, options);",
        "request.set(\"stop\", {{\"a\", 1}});\nauto r = co_await claude.invoke(request);",
        "auto r = co_await claude.invoke(chat_request().user(names[\"a\"](1)));",
        "auto r = co_await claude.invoke(request, {});",
        "auto r = co_await f(/* {x} ? : */ request);",
    ]
    failed = [s for s in bad if not list(findings(s))] + [s for s in good if list(findings(s))]
    for source in failed:
        print("self-test failed:", source, list(findings(source)))
    return 1 if failed else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    found = 0
    for path in arguments:
        with open(path, encoding="utf-8") as file:
            for line, message in findings(file.read()):
                print(f"{path}:{line}: {message}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
