"""The checks with the official OpenAI client for Python."""

import asyncio
import json

import openai
import pydantic
from suite import BASE, KEY, MIB, MODEL, ask, check, http, leaves, now_ms, released, run, script, settle_down, stats, tag

client = openai.OpenAI(base_url=BASE, api_key=KEY, max_retries=0, timeout=60)
chat = client.chat.completions


def raises(kind, fn, status=None, code=None):
    try:
        fn()
    except kind as e:
        if status:
            assert e.status_code == status, f"status {e.status_code}, want {status}: {e.message}"
            assert e.code == code if code else isinstance(e.code, str), f"code {e.code!r}, want {code!r}"
            assert isinstance(e.type, str) and isinstance(e.body, dict) and e.body["message"], (e.type, e.body)
            assert e.request_id and e.request_id.startswith("req_"), e.request_id
        return e
    raise AssertionError(f"no {kind.__name__}")


def text(chunks):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


TOKENS8 = "".join(f"t{i} " for i in range(8))


@check(1)
def _():
    r = chat.create(model="auto", messages=ask())
    assert r._request_id.startswith("req_") and r.object == "chat.completion" and r.id.startswith("chatcmpl-")
    assert r.choices[0].message.content == TOKENS8 and r.choices[0].finish_reason == "stop"
    assert r.model != "auto" and r.usage.total_tokens == r.usage.prompt_tokens + r.usage.completion_tokens


@check(2)
def _():
    chunks = list(chat.create(model=MODEL, messages=ask(tokens=20), stream=True))
    assert len([c for c in chunks if c.choices and c.choices[0].delta.content]) == 20
    assert len({(c.id, c.created, c.model, c.object) for c in chunks}) == 1 and chunks[0].model == MODEL
    with chat.with_streaming_response.create(model=MODEL, messages=ask(tokens=20), stream=True) as r:
        lines = [line for line in r.iter_lines() if line]
    assert lines.count("data: [DONE]") == 1 and lines[-1] == "data: [DONE]", lines[-1]


@check(3)
def _():
    for words in ({}, {"inline_usage": 1}):
        with_usage = list(chat.create(model=MODEL, messages=ask(**words), stream=True, stream_options={"include_usage": True}))
        assert [c for c in with_usage if c.usage] == with_usage[-1:] and with_usage[-1].choices == []
        assert with_usage[-1].usage.completion_tokens == 8
        without = list(chat.create(model=MODEL, messages=ask(**words), stream=True))
        assert not any(c.usage for c in without) and all(c.choices for c in without)


@check(4)
def _():
    tools = [{"type": "function", "function": {"name": "get_weather"}}]  # no parameters: sent in the wild
    arguments, names, indices = "", [], set()
    for c in chat.create(model=MODEL, messages=ask(tool=1), tools=tools, stream=True):
        for call in (c.choices[0].delta.tool_calls or []) if c.choices else []:
            arguments += call.function.arguments or ""
            names += [call.function.name] if call.function.name else []
            indices.add(call.index)
    assert json.loads(arguments) == {"city": "Paris", "days": 3} and names == ["get_weather"] and indices == {0}
    whole = chat.create(model=MODEL, messages=ask(tool=1), tools=tools).choices[0]
    assert json.loads(whole.message.tool_calls[0].function.arguments)["days"] == 3 and whole.finish_reason == "tool_calls"


class Colour(pydantic.BaseModel):
    colour: str
    n: int


@check(5)
def _():
    r = chat.parse(model=MODEL, messages=ask(document='{"colour":"red","n":3}'), response_format=Colour)
    assert r.choices[0].message.parsed == Colour(colour="red", n=3)


PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@check(6)
def _():
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": PIXEL}}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "a pixel"},
        {"role": "user", "content": [{"type": "text", "text": script()}]},
    ]
    seen = chat.create(model=MODEL, messages=messages).model_extra["x_seen"]
    assert seen == {"images": 1, "null_contents": 1}, seen


@check(7)
def _():
    probe = {"x_probe": {"b": [1, 2.50, None], "a": "é"}}
    r = chat.create(model=MODEL, messages=ask(), extra_body=probe)
    assert r.model_extra["x_echo"] == probe and r.usage.model_extra["x_scripted"] is True
    chunks = list(chat.create(model=MODEL, messages=ask(), extra_body=probe, stream=True))
    assert all(c.model_extra["x_echo"] == probe for c in chunks)


@check(8)
def _():
    models = list(client.models.list())
    ids = [m.id for m in models]
    assert MODEL in ids and "auto" in ids and all(m.object == "model" and m.owned_by for m in models), ids
    assert client.models.retrieve("flotilla/auto").id == "auto"
    extra = client.models.retrieve(MODEL).model_extra
    assert float(extra["pricing"]["prompt"]) == 1e-6 and extra["context_length"] == MIB, extra
    assert "tools" in extra["supported_parameters"] and "text" in extra["architecture"]["input_modalities"], extra
    raises(openai.NotFoundError, lambda: client.models.retrieve("no/such-model"), 404, "model_not_found")


@check(9)
def _():
    model = next(m.id for m in client.models.list() if "embeddings" in m.model_extra["architecture"]["output_modalities"])
    floats = client.embeddings.create(model=model, input="A colour", encoding_format="float").data[0].embedding
    packed = client.embeddings.create(model=model, input="A colour").data[0].embedding  # asks for base64
    assert len(floats) == len(packed) == 384 and max(abs(a - b) for a, b in zip(floats, packed)) < 1e-6
    two = client.embeddings.create(model=model, input=["A colour", "Another thing"])
    assert [d.index for d in two.data] == [0, 1] and two.data[0].embedding == packed and two.usage.prompt_tokens > 0
    raises(openai.BadRequestError, lambda: client.embeddings.create(model=model, input=[1, 2, 3]), 400)
    raises(openai.NotFoundError, lambda: client.embeddings.create(model="no-such", input="x"), 404, "model_not_found")


@check(10)
def _():
    r = client.completions.create(model=MODEL, prompt=script(tokens=4), max_tokens=16)
    assert r.object == "text_completion" and r.choices[0].text == "t0 t1 t2 t3 " and r.usage.completion_tokens == 4
    chunks = list(client.completions.create(model=MODEL, prompt=script(tokens=4), stream=True))
    assert "".join(c.choices[0].text for c in chunks) == "t0 t1 t2 t3 " and chunks[-1].choices[0].finish_reason == "stop"
    raises(openai.BadRequestError, lambda: client.completions.create(model=MODEL, prompt=[1, 2, 3]), 400)


@check(11)
def _():
    bad = client.with_options(api_key="sk-wrong")
    raises(openai.AuthenticationError, lambda: bad.chat.completions.create(model=MODEL, messages=ask()), 401, "invalid_api_key")
    raises(openai.NotFoundError, lambda: chat.create(model="no-such", messages=ask()), 404, "model_not_found")
    raises(openai.APIStatusError, lambda: chat.create(model=MODEL, messages=ask() + [{"role": "user", "content": "x" * 5 * MIB}]), 413)
    for status, kind in {
        400: openai.BadRequestError, 403: openai.PermissionDeniedError, 422: openai.UnprocessableEntityError,
        429: openai.RateLimitError, 500: openai.InternalServerError, 503: openai.InternalServerError,
    }.items():  # fmt: skip
        for stream in (False, True):
            settle_down()
            e = raises(kind, lambda: chat.create(model=MODEL, messages=ask(status=status), stream=stream))
            assert e.status_code == (502 if status == 500 else status), e.status_code
            assert e.code == f"scripted_{status}" and "scripted error" in e.message, (e.code, e.message)
            assert e.type and isinstance(e.body, dict) and e.request_id.startswith("req_")


@check(12)
def _():
    t = tag()
    retrying = client.with_options(max_retries=2)
    limited = ask(status=429, retry_after=1, tag=t)
    e = raises(openai.RateLimitError, lambda: retrying.chat.completions.create(model=MODEL, messages=limited))
    assert e.response.headers["retry-after"] == "1" and stats(t)["calls"] == 3, stats(t)
    t = tag()  # delivered in part and paid for: a repeat would pay again
    with_retry = lambda: list(retrying.chat.completions.create(model=MODEL, messages=ask(error=3, tag=t), stream=True))
    raises(openai.APIError, with_retry)
    assert stats(t)["calls"] == 1, stats(t)
    t = tag()
    status, headers, _ = http("/chat/completions", json.dumps({"model": MODEL, "messages": ask(status=400, tag=t)}).encode())
    assert status == 400 and headers["x-should-retry"] == "false" and stats(t)["calls"] == 1


@check(13)
def _():
    for key, code in ((None, "missing_api_key"), ("sk-wrong", "invalid_api_key")):
        for path, body in (("/models", None), ("/chat/completions", b"{}"), ("/embeddings", b"{}"), ("/completions", b"{}")):
            status, headers, answer = http(path, body, key=key)
            assert status == 401 and answer["error"]["code"] == code and headers["x-request-id"], (path, status, answer)


@check(14)
def _():
    for path, body, method, want in (
        ("/chat/completions", b'{"model":', None, 400), ("/chat/completions", b"\xff\xfe", None, 400), ("/chat/completions", b"[]", None, 400),
        ("/chat/completions", b"[" * 100_000, None, 400), ("/chat/completions", None, "GET", 405), ("/models", b"{}", "POST", 405),
        ("/nowhere", None, None, 404), ("/nowhere/%2e%2e/x", b"{}", None, 404),
    ):  # fmt: skip
        status, headers, answer = http(path, body, method)
        e = answer["error"]
        assert status == want and e["message"] and isinstance(e["code"], str) and "param" in e and "type" in e, (path, status, answer)
        assert headers["x-request-id"].startswith("req_") and headers["content-type"] == "application/json"


@check(15)
def _():
    seen = []
    e = raises(openai.APIError, lambda: seen.extend(c for c in chat.create(model=MODEL, messages=ask(tokens=20, cut=10), stream=True)))
    e = raises(openai.APIError, lambda: chat.create(model=MODEL, messages=ask(cut=3)))
    assert e.status_code == 502, e.status_code


@check(16)
def _():
    def read():
        for c in chat.create(model=MODEL, messages=ask(error=3), stream=True):
            seen.append(c)

    seen = []
    e = raises(openai.APIError, read)
    assert "scripted error in the stream" in e.message and len(seen) >= 3, (e.message, len(seen))


@check(17)
def _():
    for stream in (False, True):
        settle_down()
        e = raises(openai.InternalServerError, lambda: chat.create(model=MODEL, messages=ask(html=1), stream=stream))
        assert e.status_code == 502, e.status_code


@check(18)
def _():
    async def all_phases():
        async with openai.AsyncOpenAI(base_url=BASE, api_key=KEY, max_retries=0, timeout=60) as c:
            for stream in (False, True):
                for hold in (0, 4):
                    await leaves(lambda t: consume(c, stream, hold, t), hold if stream else 0)
            await queued(c)

    async def consume(c, stream, hold, t):
        r = await c.chat.completions.create(model=MODEL, messages=ask(hold=hold, tokens=9, tag=t), stream=stream)
        if stream:
            async for _ in r:
                pass

    async def queued(c):
        """All of the operator's slots are taken; one more waits, and leaves."""
        full, waiting = tag(), tag()
        ask_for = lambda t: asyncio.create_task(c.chat.completions.create(model=MODEL, messages=ask(hold=0, tag=t)))
        holders = [ask_for(full) for _ in range(4)]
        while stats(full)["calls"] < 4:
            await asyncio.sleep(0.02)
        late = ask_for(waiting)
        await asyncio.sleep(0.5)
        assert not late.done(), late
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
        left = now_ms()
        for h in holders:
            h.cancel()
        await asyncio.gather(*holders, return_exceptions=True)
        await asyncio.to_thread(released, full, left, 4)
        await asyncio.sleep(0.3)
        assert stats(waiting)["calls"] == 0, "a request whose client had left was sent on"

    asyncio.run(all_phases())


@check(19)
def _():
    for stream in (False, True):
        t = tag()
        slow = client.with_options(timeout=0.7)
        raises(openai.APITimeoutError, lambda: slow.chat.completions.create(model=MODEL, messages=ask(hold=0, tag=t), stream=stream))
        released(t, now_ms())


@check(20)
def _():
    async def one(c, n):
        stream = await c.chat.completions.create(model=MODEL, messages=ask(tokens=5, delay="5ms"), stream=True, extra_body={"x_n": n})
        chunks = [chunk async for chunk in stream]
        assert all(chunk.model_extra["x_echo"] == {"x_n": n} for chunk in chunks), "another request's chunk"
        ids = {chunk.id for chunk in chunks}
        assert len(ids) == 1 and text(chunks) == "t0 t1 t2 t3 t4 "
        return ids.pop()

    async def fifty():
        async with openai.AsyncOpenAI(base_url=BASE, api_key=KEY, max_retries=0, timeout=60) as c:
            return await asyncio.gather(*[one(c, n) for n in range(50)])

    assert len(set(asyncio.run(fifty()))) == 50


@check(21)
def _():
    raw = chat.with_raw_response.create(model=MODEL, messages=ask())
    for name in ("model", "operator", "reason", "receipt", "expected-cost", "cost"):
        assert raw.headers.get("x-flotilla-" + name), name
    assert "x-flotilla-why" not in raw.headers and raw.parse().choices
    raw = chat.with_raw_response.create(model=MODEL, messages=ask(), extra_headers={"x-flotilla-debug": "1"})
    assert raw.headers.get("x-flotilla-why")
    with chat.with_streaming_response.create(model=MODEL, messages=ask(), stream=True) as r:
        assert r.headers["content-type"].startswith("text/event-stream") and r.headers["cache-control"] == "no-cache"
        assert len([c for c in r.parse()]) >= 8


@check(22)
def _():
    long = [{"role": "system", "content": "x " * (MIB // 2)}] + ask()
    assert chat.create(model=MODEL, messages=long).choices[0].message.content == TOKENS8
    for size in (5 * MIB, 10 * MIB):
        raises(openai.APIStatusError, lambda: chat.create(model=MODEL, messages=[{"role": "user", "content": "x" * size}]), 413, "request_too_large")


@check(23)
def _():
    chunks = list(chat.create(model=MODEL, messages=ask(odd=1), stream=True))
    assert text(chunks) == TOKENS8 and chunks[0].choices[0].delta.role == "assistant"


@check(24)
def _():
    def receipt(u):
        return client.get("/receipts/" + u.model_extra["flotilla"]["receipt_id"], cast_to=object)["receipt"]

    whole = chat.create(model=MODEL, messages=ask(tokens=6)).usage
    stream = list(chat.create(model=MODEL, messages=ask(tokens=6), stream=True, stream_options={"include_usage": True}))[-1].usage
    for u in (whole, stream):
        assert (u.prompt_tokens, u.completion_tokens) == (11, 6), u
        r = receipt(u)
        assert int(r["inputTokens"]) == 11 and int(r["outputTokens"]) == 6, r
        micro = u.model_extra["flotilla"]["cost_micro_usd"]
        assert int(r["amount"]) == micro == round(u.model_extra["cost"] * 1e6) > 0, (r, u)


@check(25)
def _():
    t, came = tag(), []
    for c in chat.create(model=MODEL, messages=ask(tokens=10, delay="100ms", tag=t), stream=True):
        if c.choices and c.choices[0].delta.content:
            came.append(now_ms())
    sent = stats(t)["sent_at"]
    assert len(came) == len(sent) == 10
    late = [k for k in range(9) if came[k] >= sent[k + 1]]
    assert len(late) <= 1, f"chunks {late} came after the next was sent"  # one: a busy machine may stop for 100 ms


run("openai-python")
