"""The checks with LiteLLM as a client library."""

import asyncio
import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would fetch its price list at import

import litellm
from suite import BASE, KEY, MIB, MODEL, ask, check, http, leaves, now_ms, raises, released, run, script, settle_down, stats, tag

litellm.suppress_debug_info = True
litellm.telemetry = False
WAY = {"api_base": BASE, "api_key": KEY, "max_retries": 0, "timeout": 60}
TOKENS8 = "".join(f"t{i} " for i in range(8))


def chat(model=MODEL, messages=None, **kw):
    return litellm.completion(**{"model": "openai/" + model, "messages": messages or ask(), **WAY, **kw})


def text(chunks):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


@check(1)
def _():
    r = chat("auto")
    assert r.choices[0].message.content == TOKENS8 and r.usage.total_tokens == 19, r


@check(2)
def _():
    chunks = list(chat(messages=ask(tokens=20), stream=True))
    assert text(chunks).endswith("t19 ") and len({c.id for c in chunks}) == 1


@check(3)
def _():
    chunks = list(chat(stream=True, stream_options={"include_usage": True}))
    usage = [c.usage for c in chunks if getattr(c, "usage", None)]
    assert usage and usage[-1].completion_tokens == 8, usage


@check(4)
def _():
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}]
    built = litellm.stream_chunk_builder(list(chat(messages=ask(tool=1), tools=tools, stream=True)))
    for r in (built, chat(messages=ask(tool=1), tools=tools)):
        call = r.choices[0].message.tool_calls[0].function
        assert call.name == "get_weather" and json.loads(call.arguments) == {"city": "Paris", "days": 3}, call


@check(5)
def _():
    schema = {"type": "json_schema", "json_schema": {"name": "colour", "schema": {"type": "object"}}}
    r = chat(messages=ask(document='{"colour":"red","n":3}'), response_format=schema)
    assert json.loads(r.choices[0].message.content) == {"colour": "red", "n": 3}


@check(6)
def _():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "Look"}, image]}, {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "a pixel"}, *ask(),
    ]  # fmt: skip
    assert chat(messages=messages).choices[0].message.content == TOKENS8


@check(7)
def _():
    r = chat(extra_body={"x_probe": {"a": 1}})
    assert r.model_extra["x_echo"] == {"x_probe": {"a": 1}}, r.model_extra


@check(9)
def _():
    name = next(m["id"] for m in http("/models")[2]["data"] if "embeddings" in m["architecture"]["output_modalities"])
    r = litellm.embedding(model="openai/" + name, input=["a", "b"], encoding_format="float", **WAY)
    assert [len(d["embedding"]) for d in r.data] == [384, 384]


@check(10)
def _():
    r = litellm.text_completion(model="text-completion-openai/" + MODEL, prompt=script(tokens=4), **WAY)
    assert r.choices[0].text == "t0 t1 t2 t3 ", r


@check(11)
def _():
    for status, kind in {
        400: litellm.BadRequestError, 403: litellm.APIError, 422: litellm.BadRequestError,
        429: litellm.RateLimitError, 503: litellm.ServiceUnavailableError,
    }.items():  # fmt: skip
        settle_down()
        e = raises(kind, lambda: chat(messages=ask(status=status)))
        assert e.status_code in (status, 400) and "scripted error" in e.message, e


@check(12)
def _():
    t = tag()
    raises(litellm.RateLimitError, lambda: chat(messages=ask(status=429, retry_after=1, tag=t), max_retries=2))
    assert stats(t)["calls"] == 3, stats(t)


@check(13)
def _():
    raises(litellm.AuthenticationError, lambda: chat(api_key="sk-wrong"))


@check(15)
def _():
    raises(Exception, lambda: list(chat(messages=ask(tokens=20, cut=10), stream=True)))
    raises(litellm.BadGatewayError, lambda: chat(messages=ask(cut=3)))


@check(16)
def _():
    e = raises(Exception, lambda: list(chat(messages=ask(error=3), stream=True)))
    assert "scripted error in the stream" in str(e), e


@check(17)
def _():
    raises(litellm.BadGatewayError, lambda: chat(messages=ask(html=1)))


@check(18)
def _():
    async def read(hold, t):
        async for _ in await litellm.acompletion(model="openai/" + MODEL, messages=ask(hold=hold, tokens=9, tag=t), stream=True, **WAY):
            pass

    for hold in (0, 4):
        asyncio.run(leaves(lambda t: read(hold, t), hold))


@check(19)
def _():
    t = tag()
    raises(litellm.Timeout, lambda: chat(messages=ask(hold=0, tag=t), timeout=0.7))
    released(t, now_ms())


@check(20)
def _():
    async def fifty():
        one = lambda: litellm.acompletion(model="openai/" + MODEL, messages=ask(tokens=5), **WAY)
        return await asyncio.gather(*[one() for _ in range(50)])

    answers = asyncio.run(fifty())
    assert {r.choices[0].message.content for r in answers} == {"t0 t1 t2 t3 t4 "} and len({r.id for r in answers}) == 50


@check(22)
def _():
    long = [{"role": "system", "content": "x " * (MIB // 2)}, *ask()]
    assert chat(messages=long).choices[0].message.content == TOKENS8
    e = raises(litellm.BadRequestError, lambda: chat(messages=[{"role": "user", "content": "x" * 5 * MIB}]))
    assert "larger than" in e.message, e


@check(23)
def _():
    assert text(list(chat(messages=ask(odd=1), stream=True))) == TOKENS8


@check(24)
def _():
    whole = chat(messages=ask(tokens=6)).usage
    stream = [c.usage for c in chat(messages=ask(tokens=6), stream=True, stream_options={"include_usage": True}) if getattr(c, "usage", None)][-1]
    for u in (whole, stream):
        assert (u.prompt_tokens, u.completion_tokens) == (11, 6), u


run("litellm")
