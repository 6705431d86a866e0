"""What the Python clients' checks share. Each client file registers its checks by their number in docs/gateway.md; run()
prints one JSON object per check for conformance_test.go."""

import asyncio
import json
import os
import sys
import time
import urllib.error
import urllib.request

BASE, KEY = os.environ["FLOTILLA_BASE_URL"], os.environ["FLOTILLA_API_KEY"]
UPSTREAM = os.environ["FLOTILLA_UPSTREAM_URL"]
MODEL, OTHER = "smollm2-135m-instruct", "gemma-3-270m"
MIB = 1 << 20
_checks, _tags = [], 0


def check(number):
    """Registers the decorated function as a check."""

    def add(fn):
        _checks.append((number, fn))
        return fn

    return add


def run(client):
    only = {int(n) for n in os.environ.get("FLOTILLA_CHECKS", "").split(",") if n}
    for number, fn in _checks:
        if only and number not in only:
            continue
        settle_down()
        start, why = time.time(), ""
        try:
            fn()
        except Exception as e:  # any exception is a failed check, and the next one must still run
            trace = e.__traceback__
            while trace.tb_next and trace.tb_next.tb_frame.f_code.co_filename.endswith(os.path.basename(sys.argv[0])):
                trace = trace.tb_next
            why = f"line {trace.tb_lineno}: {type(e).__name__}: {str(e)[:400]}"
        print(json.dumps({"check": number, "client": client, "why": why, "ms": round(1000 * (time.time() - start))}), flush=True)


def settle_down():
    """Waits until the operator answers: after a fault of its own the gateway leaves it alone for a moment."""
    body = json.dumps({"model": MODEL, "messages": ask(tokens=1)}).encode()
    eventually("the operator is back", lambda: http("/chat/completions", body)[0] == 200)


def tag():
    global _tags
    _tags += 1
    return f"{os.getpid()}-{_tags}"


def script(**words):
    """The prompt that makes the model server do something; see node/backend/scripted."""
    return "Hello. @script " + " ".join(f"{k.replace('_', '-')}={v}" for k, v in words.items())


def ask(**words):
    return [{"role": "user", "content": script(**words)}]


def stats(name):
    with urllib.request.urlopen(f"{UPSTREAM}/stats?tag={name}") as r:
        return json.load(r)


def now_ms():
    return time.time() * 1000


def eventually(what, ok, seconds=20):
    end = time.time() + seconds
    while not ok():
        if time.time() > end:
            raise AssertionError("never happened: " + what)
        time.sleep(0.02)


def released(name, left_ms, calls=1):
    """The model server was let go within a second after the client left."""
    eventually("the model server is released", lambda: stats(name)["released"] == calls)
    late = max(stats(name)["left_at"]) - left_ms
    assert late < 1000, f"released {late:.0f} ms after the client left"


async def leaves(start, sent=0):
    """The client leaves the answer that start(tag) awaits, once the model server works on it and has sent so many pieces."""
    t = tag()
    answer = asyncio.create_task(start(t))
    await asyncio.to_thread(eventually, "the model server works", lambda: stats(t)["calls"] == 1 and len(stats(t)["sent_at"]) >= sent)
    await asyncio.sleep(0.2)
    left = now_ms()
    answer.cancel()
    await asyncio.gather(answer, return_exceptions=True)
    await asyncio.to_thread(released, t, left)


def raises(kind, fn):
    """The error of that kind that fn raises."""
    try:
        fn()
    except kind as e:
        return e
    raise AssertionError(f"no {kind.__name__}")


def http(path, body=None, method=None, key=KEY, base=BASE, headers=None):
    """One raw request: status, headers, parsed body."""
    h = {"Content-Type": "application/json", **(headers or {})}
    if key:
        h["Authorization"] = "Bearer " + key
    r = urllib.request.Request(base + path, data=body, method=method, headers=h)
    try:
        with urllib.request.urlopen(r, timeout=60) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, e.headers, json.load(e)
