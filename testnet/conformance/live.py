"""What any gateway must do, whatever models are behind it, with the official OpenAI client for Python. See live.sh."""

import asyncio
import json
import os
import sys

import openai

BASE, KEY = os.environ["FLOTILLA_BASE_URL"], os.environ["FLOTILLA_API_KEY"]
client = openai.OpenAI(base_url=BASE, api_key=KEY, max_retries=0, timeout=120)
ASK = [{"role": "user", "content": "Name one colour."}]
CHAT = {"model": "auto", "messages": ASK, "max_tokens": 8}
failures = 0


def check(name):
    """Runs the decorated function as one check and prints its outcome."""

    def run(fn):
        global failures
        try:
            fn()
            print(f"ok   python  {name}", flush=True)
        except Exception as e:  # any exception is a failed check, and the next one must still run
            failures += 1
            print(f"FAIL python  {name}: {type(e).__name__}: {e}", flush=True)
        return fn

    return run


def raises(kind, fn, status, code):
    try:
        fn()
    except kind as e:
        assert e.status_code == status, f"status {e.status_code}, want {status}"
        assert e.code == code, f"code {e.code!r}, want {code!r}"
        assert isinstance(e.type, str) and isinstance(e.body, dict), (e.type, e.body)
        assert e.request_id and e.request_id.startswith("req_"), e.request_id
        return
    raise AssertionError(f"no {kind.__name__}")


@check("plain chat: content, model, usage with cost and receipt, request id")
def _():
    r = client.chat.completions.create(**CHAT)
    assert r.object == "chat.completion" and r.id.startswith("chatcmpl-") and r._request_id.startswith("req_")
    assert isinstance(r.choices[0].message.content, str) and r.choices[0].finish_reason
    assert r.model and r.model != "auto", r.model
    u = r.usage
    assert u.prompt_tokens > 0 and u.completion_tokens > 0 and u.total_tokens == u.prompt_tokens + u.completion_tokens
    extra = u.model_extra
    assert extra["cost"] >= 0 and extra["flotilla"]["receipt_id"].startswith("0x") and extra["flotilla"]["why"]
    assert round(extra["cost"] * 1e6) == extra["flotilla"]["cost_micro_usd"]


@check("streamed chat: role first, equal ids, finish reason, no usage unless asked for")
def _():
    chunks = list(client.chat.completions.create(**CHAT, stream=True))
    assert len(chunks) >= 2 and len({(c.id, c.created, c.model) for c in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant", chunks[0]
    assert any(c.choices and c.choices[0].finish_reason for c in chunks)
    assert all(c.usage is None and c.object == "chat.completion.chunk" for c in chunks)


@check("streamed chat with include_usage: one usage chunk, last, without choices")
def _():
    chunks = list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
    assert [c for c in chunks if c.usage] == chunks[-1:], "usage must be in the last chunk only"
    last = chunks[-1]
    assert last.choices == [] and last.usage.completion_tokens > 0
    assert last.usage.model_extra["flotilla"]["receipt_id"].startswith("0x")


@check("the Responses API: plain and streamed, with the receipt of either")
def _():
    ask = {"model": "auto", "input": "Name one colour.", "max_output_tokens": 8}
    last = list(client.responses.create(**ask, stream=True))[-1]
    assert last.type in ("response.completed", "response.incomplete"), last.type
    for r in (client.responses.create(**ask), last.response):
        assert r.status in ("completed", "incomplete") and r.model != "auto" and r.usage.output_tokens > 0, r
        assert r.output_text and client.get(f"/generation?id={r.id}", cast_to=object)["data"]["id"] == r.id


@check("the receipt of an answer can be fetched by either id")
def _():
    r = client.chat.completions.create(**CHAT)
    rid = r.usage.model_extra["flotilla"]["receipt_id"]
    assert isinstance(client.get(f"/receipts/{rid}", cast_to=object), dict)
    assert client.get(f"/generation?id={r.id}", cast_to=object)["data"]["receipt_id"] == rid


@check("models.list and models.retrieve")
def _():
    models = list(client.models.list())
    assert "auto" in [m.id for m in models] and all(m.object == "model" for m in models)
    named = [m for m in models if m.id != "auto" and "text" in m.model_extra["architecture"]["output_modalities"]][0]
    assert client.models.retrieve(named.id).id == named.id
    assert float(named.model_extra["pricing"]["prompt"]) >= 0


@check("naming a model runs that model")
def _():
    name = [m.id for m in client.models.list() if m.id != "auto" and "text" in m.model_extra["architecture"]["output_modalities"]][0]
    assert client.chat.completions.create(**{**CHAT, "model": name}).model == name


@check("content as parts, system message, max_completion_tokens, dial and lists are taken")
def _():
    parts = [{"type": "text", "text": "Name one"}, {"type": "text", "text": "animal."}]
    r = client.chat.completions.create(
        model="flotilla/auto",
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": parts}],
        max_completion_tokens=8,
        extra_body={"cost_quality_tradeoff": 10, "allowed_models": ["*"], "an_unknown_field": {"a": 1}},
    )
    assert r.choices[0].message is not None


@check("raw response: decision headers, and more of them for debugging")
def _():
    raw = client.chat.completions.with_raw_response.create(**CHAT)
    for name in ("model", "operator", "reason", "receipt", "expected-cost", "cost"):
        assert raw.headers.get("x-flotilla-" + name), name
    assert "x-flotilla-why" not in raw.headers
    raw = client.chat.completions.with_raw_response.create(**CHAT, extra_headers={"x-flotilla-debug": "1"})
    assert raw.headers.get("x-flotilla-why") and raw.parse().choices


@check("with_streaming_response: SSE headers")
def _():
    with client.chat.completions.with_streaming_response.create(**CHAT, stream=True) as r:
        assert r.headers["content-type"].startswith("text/event-stream") and r.headers["cache-control"] == "no-cache"
        lines = [line for line in r.iter_lines() if line and not line.startswith(":")]
    assert lines[-1] == "data: [DONE]" and all(json.loads(line[6:])["choices"] for line in lines[:-1])


@check("errors: wrong key 401, unknown model 404, unknown path 404, bad dial 400, no messages 400")
def _():
    bad = client.with_options(api_key="sk-wrong")
    raises(openai.AuthenticationError, lambda: bad.chat.completions.create(**CHAT), 401, "invalid_api_key")
    raises(openai.AuthenticationError, lambda: bad.models.list(), 401, "invalid_api_key")
    unknown = {**CHAT, "model": "no-such-model"}
    raises(openai.NotFoundError, lambda: client.chat.completions.create(**unknown), 404, "model_not_found")
    raises(openai.NotFoundError, lambda: client.models.retrieve("no/such-model"), 404, "model_not_found")
    raises(openai.NotFoundError, lambda: client.get("/nowhere", cast_to=object), 404, "unknown_url")
    dial = {"cost_quality_tradeoff": 11}
    raises(openai.BadRequestError, lambda: client.chat.completions.create(**CHAT, extra_body=dial), 400, "invalid_value")
    empty = {**CHAT, "messages": []}
    raises(openai.BadRequestError, lambda: client.chat.completions.create(**empty), 400, "invalid_value")


@check("dry run tells a decision and runs nothing")
def _():
    assert isinstance(client.post("/route", body=CHAT, cast_to=object), dict)


@check("async client: 6 streams at once, no ids mixed up")
def _():
    async def one(c):
        stream = await c.chat.completions.create(**CHAT, stream=True)
        return {chunk.id async for chunk in stream}

    async def all_of_them():
        async with openai.AsyncOpenAI(base_url=BASE, api_key=KEY, max_retries=5, timeout=240) as c:
            return await asyncio.gather(*[one(c) for _ in range(6)])

    assert all(len(ids) == 1 for ids in asyncio.run(all_of_them()))


sys.exit(1 if failures else 0)
