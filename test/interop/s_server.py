#!/usr/bin/env python3
"""The client against `openssl s_server`, whose standard input is what it says and, by letters, what it does.

Usage: s_server.py CLAUDIO DIRECTORY, where run.sh has made the certificates.
"""
import concurrent.futures
import fcntl
import json
import os
import pty
import re
import socket
import ssl
import struct
import subprocess
import sys
import termios
import threading
import time

CLAUDIO, WORK = sys.argv[1:3]
KEY = "sk-ant-interop-secret"
LIMIT = 10  # seconds for anything that is waited for


class Failed(Exception):
    pass


class Output:
    """What a process writes, as it comes."""

    def __init__(self, pipe):
        self.data = b""
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self.thread.start()

    def _read(self, pipe):
        while chunk := os.read(pipe.fileno(), 65536):
            with self.changed:
                self.data += chunk
                self.changed.notify_all()

    def text(self):
        with self.changed:
            return self.data.decode(errors="replace")

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self.data), LIMIT):
                raise Failed(f"{what} did not come within {LIMIT} s")

    def end(self):
        self.thread.join(LIMIT)
        return self.text()


def requests_in(data):
    """How many whole requests s_server has printed; between them stands what it says itself."""
    count = 0
    for match in re.finditer(rb"POST /v1/messages HTTP/1\.1\r\n.*?\r\n\r\n", data, re.DOTALL):
        size = int(re.search(rb"(?i)content-length: (\d+)", match[0])[1])
        count += len(data) >= match.end() + size
    return count


class Server:
    def __init__(self, options, key_type):
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", f"{WORK}/{key_type}.pem",
             "-key", f"{WORK}/{key_type}.key", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output = Output(self.process.stdout)
        self.answered = 0
        self.wait(rb"ACCEPT 127\.0\.0\.1:(\d+)")
        self.port = int(re.search(r"ACCEPT 127\.0\.0\.1:(\d+)", self.output.text())[1])

    def wait(self, pattern):
        self.output.wait(lambda data: re.search(pattern, data), f"{pattern} of s_server")

    def wait_request(self):
        self.answered += 1
        self.output.wait(lambda data: requests_in(data) >= self.answered, f"request {self.answered} at s_server")

    def say(self, text):
        """Returns when s_server has read it all: a command has to be a read of its own, and what it says to begin with
        none of its letters."""
        for begin in range(0, len(text), 16384):
            self._say(text[begin:begin + 16384])

    def _say(self, text):
        pipe = self.process.stdin
        pipe.write(text.encode())
        pipe.flush()
        limit = time.monotonic() + LIMIT
        while struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0] > 0:
            if time.monotonic() > limit or self.process.poll() is not None:
                raise Failed("s_server does not read what it shall say")
            time.sleep(0.002)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.output.end()


def configure(name, port):
    path = f"{WORK}/{name}.json"
    settings = {"api_key": KEY, "api_base": f"https://127.0.0.1:{port}/v1", "ca_file": f"{WORK}/ca.pem",
                "retry": {"max_retries": 0}, "timeout_ms": {"total": LIMIT * 1000}}
    with open(path, "w", encoding="ascii") as file:
        json.dump({"providers": [{"name": "anthropic", "provider_type": "anthropic", "provider_config": settings}],
                   "models": [{"name": "claude-sonnet-4-6", "type": "LLM", "provider_name": "anthropic"}]}, file)
    return path


def message(text):
    return json.dumps({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6",
                       "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None,
                       "usage": {"input_tokens": 1, "output_tokens": 1}})


def framed(body, headers="content-type: application/json\r\n"):
    return f"HTTP/1.1 200 OK\r\n{headers}content-length: {len(body)}\r\n\r\n{body}"


def unframed(body):
    return f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{body}"


def event(kind, **fields):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


def stream_begin(text):
    """`text` is the answer so far."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    begun = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6", "content": [],
             "stop_reason": None, "stop_sequence": None, "usage": usage}
    return (event("message_start", message=begun) +
            event("content_block_start", index=0, content_block={"type": "text", "text": ""}) +
            event("content_block_delta", index=0, delta={"type": "text_delta", "text": text}))


STREAM_END = (event("content_block_stop", index=0) +
              event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None},
                    usage={"output_tokens": 1}) + event("message_stop"))

STREAM_HEADERS = "content-type: text/event-stream\r\nconnection: close\r\n"
DIGITS = "0123456789"
ANSWER = framed(message(DIGITS * 20))
BODY_HALF = message(DIGITS).index(DIGITS) + 100
HALF = ANSWER.index(DIGITS) + 100  # s_server takes no digit for a command


class Client:
    def __init__(self, name, port, arguments=("hello",), stdin=subprocess.DEVNULL):
        self.process = subprocess.Popen(
            [CLAUDIO, "--log-level", "debug", "chat", "--config", configure(name, port), *arguments], stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"]})
        self.out = Output(self.process.stdout)
        self.err = Output(self.process.stderr)

    def end(self):
        """The exit status."""
        try:
            return self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"claudio did not end within {LIMIT} s") from None
        finally:
            self.out.end(), self.err.end()
            if KEY in self.out.text() + self.err.text():
                raise Failed("the key is in what claudio prints")


CASES = {}


def case(name):
    def add(function):
        CASES[name] = function
        return function
    return add


def check(truth, what):
    if not truth:
        raise Failed(what)


def reported(text):
    """What claudio says at last, without the log."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("["))


class Run:
    """One server, and one client that asks it."""

    def __init__(self, name):
        self.name = re.sub(r"\W+", "_", name)
        self.server = None
        self.client = None

    def start(self, *options, key_type="ecdsa", arguments=("hello",), stdin=subprocess.DEVNULL):
        self.server = Server(options, key_type)
        self.client = Client(self.name, self.server.port, arguments, stdin)

    def expect_answer(self, text):
        status = self.client.end()
        check(status == 0, f"exit status {status} instead of 0")
        out = self.client.out.text()
        check(out == text + "\n", f"the answer is {out[:300]!r} ({len(out)} bytes) instead of {text[:300]!r}")

    def expect_error(self, error, out=""):
        """All of the first line that claudio reports."""
        status = self.client.end()
        said = reported(self.client.err.text()).split("\n")[0]
        check(said == f"claudio: {error}", f"claudio reports {said!r} instead of {error!r}")
        check(status == 1, f"exit status {status} instead of 1")
        check(self.client.out.text() == out, f"on stdout: {self.client.out.text()!r} instead of {out!r}")

    def expect_server(self, pattern):
        self.server.wait(pattern.encode())

    def end(self):
        if self.client and self.client.process.poll() is None:
            self.client.process.kill()
            self.client.process.wait()
        if self.server:
            self.server.end()


# Versions, keys, records

for version in "1_2", "1_3":
    for key_type in "rsa", "ecdsa", "ed25519":
        @case(f"TLS {version} with {key_type}")
        def _(run, version=version, key_type=key_type):
            run.start(f"-tls{version}", key_type=key_type)
            run.server.wait_request()
            run.server.say(ANSWER)
            run.expect_answer(DIGITS * 20)
            signature = "RSA" if key_type == "rsa" else "ECDSA"
            run.expect_server("CIPHER is " + ("TLS_AES_256_GCM_SHA384" if version == "1_3" else
                                              f"ECDHE-{signature}-AES256-GCM-SHA384"))

    for size in 512, 16384:
        @case(f"TLS {version}, records of {size} bytes")
        def _(run, version=version, size=size):
            run.start(f"-tls{version}", "-max_send_frag", str(size))
            run.server.wait_request()
            run.server.say(framed(message(DIGITS * 30000)))
            run.expect_answer(DIGITS * 30000)

    @case(f"TLS {version}, a request of 400 KB")
    def _(run, version=version):
        prompt = "abcdefgh" * 50000
        with open(f"{WORK}/{run.name}.prompt", "w+", encoding="ascii") as file:
            file.write(prompt)
            file.seek(0)
            run.start(f"-tls{version}", arguments=("-",), stdin=file)
        run.server.wait_request()
        run.server.say(ANSWER)
        run.expect_answer(DIGITS * 20)
        check(prompt in run.server.output.text(), "the prompt did not arrive whole")

    # Alerts

    @case(f"TLS {version}, a client certificate is demanded")
    def _(run, version=version):
        run.start(f"-tls{version}", "-Verify", "1")
        run.expect_error("tls: TLS handshake with 127.0.0.1 failed: the peer sent the alert \"handshake failure\""
                         if version == "1_2" else
                         "tls: TLS failed while waiting for the answer: the peer sent the alert \"certificate required\"")

    # The alert is there before the server stops reading: it is told rather than the broken pipe.
    @case(f"TLS {version}, a client certificate is demanded, and the request is large")
    def _(run, version=version):
        with open(f"{WORK}/{run.name}.prompt", "w+", encoding="ascii") as file:
            file.write("abcdefgh" * 500000)
            file.seek(0)
            run.start(f"-tls{version}", "-Verify", "1", arguments=("-",), stdin=file)
        run.expect_error("tls: TLS handshake with 127.0.0.1 failed: the peer sent the alert \"handshake failure\""
                         if version == "1_2" else
                         "tls: TLS failed while sending the request: the peer sent the alert \"certificate required\"")

    @case(f"TLS {version}, a client certificate is asked for")
    def _(run, version=version):
        run.start(f"-tls{version}", "-verify", "1")
        run.server.wait_request()
        run.server.say(ANSWER)
        run.expect_answer(DIGITS * 20)

    @case(f"TLS {version}, ALPN http/1.1 beside h2")
    def _(run, version=version):
        run.start(f"-tls{version}", "-alpn", "h2,http/1.1")
        run.server.wait_request()
        run.server.say(ANSWER)
        run.expect_answer(DIGITS * 20)
        run.expect_server("ALPN protocols selected: http/1.1")

    @case(f"TLS {version}, ALPN h2 only")
    def _(run, version=version):
        run.start(f"-tls{version}", "-alpn", "h2")
        run.expect_error("tls: TLS handshake with 127.0.0.1 failed: the peer sent the alert \"no application protocol\"")

    # The end of the connection. s_server closes without a close_notify whatever it is told; nginx (run.sh) says it.

    @case(f"TLS {version}, killed in the middle of a body")
    def _(run, version=version):
        run.start(f"-tls{version}")
        run.server.wait_request()
        run.server.say(ANSWER[:HALF])
        time.sleep(0.3)
        run.server.kill()
        run.expect_error("connect: the connection broke while reading the answer's body: the peer closed it without "
                         "TLS's close_notify")

    @case(f"TLS {version}, killed before the answer")
    def _(run, version=version):
        run.start(f"-tls{version}")
        run.server.wait_request()
        run.server.kill()
        run.expect_error("connect: the connection broke while waiting for the answer: the peer closed it without "
                         "TLS's close_notify")

    # Whether all is there shows by the body itself.
    @case(f"TLS {version}, killed at the end of a body that ends with the connection")
    def _(run, version=version):
        run.start(f"-tls{version}")
        run.server.wait_request()
        run.server.say(unframed(message(DIGITS * 20)))
        time.sleep(0.3)
        run.server.kill()
        run.expect_answer(DIGITS * 20)

    @case(f"TLS {version}, killed in the middle of a body that ends with the connection")
    def _(run, version=version):
        run.start(f"-tls{version}")
        run.server.wait_request()
        run.server.say(unframed(message(DIGITS * 20)[:BODY_HALF]))
        time.sleep(0.3)
        run.server.kill()
        run.expect_error("protocol (HTTP 200): HTTP status 200 with a JSON answer that ends early, "
                         f"after {len(message(DIGITS * 20)[:BODY_HALF])} bytes")

    @case(f"TLS {version}, a stream")
    def _(run, version=version):
        run.start(f"-tls{version}", arguments=("--stream", "hello"))
        run.server.wait_request()
        run.server.say(f"HTTP/1.1 200 OK\r\n{STREAM_HEADERS}\r\n" + stream_begin(DIGITS))
        run.client.out.wait(lambda data: data == DIGITS.encode(), "the first text of the stream")
        # With that the stream is over: nobody waits for the end of the body.
        run.server.say(STREAM_END)
        run.expect_answer(DIGITS)

    @case(f"TLS {version}, killed in the middle of a stream")
    def _(run, version=version):
        run.start(f"-tls{version}", arguments=("--stream", "hello"))
        run.server.wait_request()
        run.server.say(f"HTTP/1.1 200 OK\r\n{STREAM_HEADERS}\r\n" + stream_begin(DIGITS))
        run.client.out.wait(lambda data: data == DIGITS.encode(), "the first text of the stream")
        run.server.kill()
        run.expect_error("stream_truncated: the stream ended before its answer was complete", out=DIGITS + "\n")


# s_server reads on after its alert; this one resets the connection while the request is still being sent.
@case("an alert, then a reset")
def _(run):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(f"{WORK}/ecdsa.pem", f"{WORK}/ecdsa.key")
    context.load_verify_locations(f"{WORK}/ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with open(f"{WORK}/{run.name}.prompt", "w+", encoding="ascii") as file, socket.create_server(("127.0.0.1", 0)) as listener:
        file.write("abcdefgh" * 500000)
        file.seek(0)
        listener.settimeout(LIMIT)
        run.client = Client(run.name, listener.getsockname()[1], ("-",), file)
        accepted, _ = listener.accept()
        with accepted:
            try:
                context.wrap_socket(accepted, server_side=True).close()
            except ssl.SSLError as failure:
                check(failure.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE", f"the server fails with {failure}")
    run.expect_error("tls: TLS failed while sending the request: the peer sent the alert \"certificate required\"")


for version, option in ("1.1", "-tls1_1"), ("1.0", "-tls1"):
    @case(f"TLS {version} only")
    def _(run, option=option):
        run.start(option, "-cipher", "DEFAULT@SECLEVEL=0")
        run.expect_error("tls: TLS handshake with 127.0.0.1 failed: the peer sent the alert \"protocol version\"")


@case("TLS 1.2, no common cipher")
def _(run):
    run.start("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", key_type="rsa")
    run.expect_error("tls: TLS handshake with 127.0.0.1 failed: the peer sent the alert \"handshake failure\"")


@case("TLS 1.3, no common cipher")
def _(run):
    run.start("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256")
    run.expect_error("tls: TLS handshake with 127.0.0.1 failed: the peer sent the alert \"handshake failure\"")


@case("TLS 1.3, no common group")
def _(run):
    run.start("-tls1_3", "-groups", "brainpoolP256r1")
    run.expect_error("tls: TLS handshake with 127.0.0.1 failed: the peer sent the alert \"handshake failure\"")


@case("TLS 1.3, another group than the client's first (HelloRetryRequest)")
def _(run):
    run.start("-tls1_3", "-groups", "P-384", "-msg")
    run.server.wait_request()
    run.server.say(ANSWER)
    run.expect_answer(DIGITS * 20)
    check(run.server.output.text().count(", ClientHello") == 2, "no second ClientHello")


# Renegotiation and key updates

# OpenSSL's server takes the refusal (the warning no_renegotiation) for an end, and says so.
@case("TLS 1.2, renegotiation before the answer")
def _(run):
    run.start("-tls1_2")
    run.server.wait_request()
    run.server.say("R\n")
    run.expect_error("tls: TLS failed while waiting for the answer: the peer sent the alert \"handshake failure\"")
    run.expect_server("no renegotiation")


@case("TLS 1.2, renegotiation in the middle of the answer")
def _(run):
    run.start("-tls1_2")
    run.server.wait_request()
    run.server.say(ANSWER[:HALF])
    run.server.say("r\n")
    run.expect_error("tls: TLS failed while reading the answer's body: the peer sent the alert \"handshake failure\"")
    run.expect_server("no renegotiation")


for letter in "k", "K":
    @case(f"TLS 1.3, key updates ({letter}) before and in the middle of the answer")
    def _(run, letter=letter):
        messages = f"{WORK}/{letter}_update.messages"
        run.start("-tls1_3", "-naccept", "1", "-msg", "-msgfile", messages)
        run.server.wait_request()
        for piece in ANSWER[:HALF], ANSWER[HALF:HALF + 20], ANSWER[HALF + 20:]:
            run.server.say(f"{letter}\n")
            run.server.say(piece)
        run.expect_answer(DIGITS * 20)
        run.server.process.wait(LIMIT)
        with open(messages, encoding="ascii") as file:
            text = file.read()
        sent, received = len(re.findall(">>> .*KeyUpdate", text)), len(re.findall("<<< .*KeyUpdate", text))
        check(sent == 3, f"{sent} key updates of the server")
        # K: the client shall update its key too, at the latest with what it sends next. OpenSSL's clients do it for the
        # first one with the second.
        check(received in ((2, 3) if letter == "K" else (0,)), f"{received} key updates of the client")


# Resumption

def conversation(run, options):
    """Three answers on three connections; how many of them were resumed."""
    terminal, keyboard = pty.openpty()
    try:
        run.start(*options, arguments=(), stdin=keyboard)
        for number in range(1, 4):
            os.write(terminal, b"hello\n")
            run.server.wait_request()
            run.server.say(framed(stream_begin(DIGITS + str(number)) + STREAM_END, STREAM_HEADERS))
            run.client.out.wait(lambda data: data.endswith(f"{DIGITS}{number}\n".encode()), f"answer {number}")
        os.write(terminal, b"\004")
        run.expect_answer("\n".join(DIGITS + str(number) for number in range(1, 4)))
    finally:
        os.close(terminal)
        os.close(keyboard)
    return run.server.output.text().count("Reused session-id")


# Without -ignore_unexpected_eof the server's cache drops the sessions of a client that closes without close_notify.
CACHE = ["-no_ticket", "-ignore_unexpected_eof"]
for name, options, resumed in (
        ("TLS 1.2, tickets", ["-tls1_2"], 2),
        ("TLS 1.2, cache", ["-tls1_2", *CACHE], 2),
        ("TLS 1.2, neither", ["-tls1_2", "-no_ticket", "-no_cache"], 0),
        ("TLS 1.3, tickets", ["-tls1_3"], 2),
        ("TLS 1.3, cache", ["-tls1_3", *CACHE], 2),
        ("TLS 1.3, neither", ["-tls1_3", "-no_ticket", "-no_cache"], 0),
        ("TLS 1.3, 0 tickets", ["-tls1_3", "-num_tickets", "0"], 0),
        ("TLS 1.3, 1 ticket", ["-tls1_3", "-num_tickets", "1"], 2),
        ("TLS 1.3, 5 tickets", ["-tls1_3", "-num_tickets", "5"], 2)):
    @case(f"resumption, {name}")
    def _(run, options=options, resumed=resumed):
        got = conversation(run, options)
        check(got == resumed, f"{got} connections were resumed instead of {resumed}")


def attempt(name):
    run = Run(name)
    try:
        CASES[name](run)
    except (Failed, OSError, subprocess.SubprocessError) as failure:
        lines = [f"FAILED: {name}", f"  {failure}"]
        for output, label in ((run.client and run.client.out, "out"), (run.client and run.client.err, "err"),
                              (run.server and run.server.output, "s_server")):
            if output:
                lines += [f"  {label}: {line[:300]}" for line in output.text().splitlines()[-25:]]
        return "\n".join(lines)
    finally:
        run.end()
    return None


def main():
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        failures = [text for text in pool.map(attempt, CASES) if text]
    print("\n".join(failures), end="\n" if failures else "")
    print(f"openssl s_server: {len(CASES)} cases, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
