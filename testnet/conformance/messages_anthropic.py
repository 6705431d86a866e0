"""The checks of the Messages API with the official Anthropic client for Python."""

import asyncio
import json

import anthropic
import pydantic
from suite import BASE, KEY, MODEL, ask, check, leaves, raises, run, script, settle_down, tag

ROOT = BASE.removesuffix("/v1")
client = anthropic.Anthropic(base_url=ROOT, api_key=KEY, max_retries=0, timeout=60)
TOKENS8 = "".join(f"t{i} " for i in range(8))
TOOLS = [{"name": "get_weather", "description": "weather", "input_schema": {"type": "object", "properties": {}}}]
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}


def create(words={}, messages=None, **more):
    return client.messages.create(**{"model": MODEL, "max_tokens": 99, "messages": messages or ask(**words), **more})


def final(words={}, messages=None, **more):
    with client.messages.stream(model=MODEL, max_tokens=99, messages=messages or ask(**words), **more) as s:
        return s.get_final_message()


def refused(kind, fn, status, error=None, param=None):
    e = raises(kind, fn)
    assert e.status_code == status and e.request_id.startswith("req_") and e.body["request_id"] == e.request_id, e
    assert (error is None or e.body["error"]["type"] == error) and (param is None or e.body["error"]["param"] == param), e.body
    return e


@check(1)
def _():
    r = create(model="auto", system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}], metadata={"user_id": "u"}, stop_sequences=["END"], extra_body={"temperature": 0.5, "top_k": 5})
    assert (r.type, r.role, r.stop_reason, r.stop_sequence) == ("message", "assistant", "end_turn", None) and r.id.startswith("msg_"), r
    assert [(b.type, b.text) for b in r.content] == [("text", TOKENS8)] and r.model != "auto" and r._request_id.startswith("req_"), r
    assert isinstance(client.get("/v1/receipts/" + r.id, cast_to=object), dict)
    raw = client.messages.with_raw_response.create(model=MODEL, max_tokens=9, messages=ask())
    assert raw.headers["x-flotilla-model"] == MODEL and raw.headers["x-flotilla-receipt"].startswith("0x") and float(raw.headers["x-flotilla-cost"]) > 0


@check(2)
def _():
    events = list(create({"tokens": 20}, stream=True))
    assert [e.type for e in events] == ["message_start", "content_block_start"] + 20 * ["content_block_delta"] + ["content_block_stop", "message_delta", "message_stop"], events
    said = "".join(e.delta.text for e in events if e.type == "content_block_delta")
    assert said.endswith("t19 ") and events[0].message.id.startswith("msg_") and events[-2].delta.stop_reason == "end_turn"
    with client.messages.stream(model="auto", max_tokens=9, messages=ask()) as s:
        assert "".join(s.text_stream) == TOKENS8
        m = s.get_final_message()
    assert m.content[0].text == TOKENS8 and m.model != "auto" and m.usage.input_tokens == 11
    with client.messages.with_streaming_response.create(model=MODEL, max_tokens=9, messages=ask(), stream=True) as r:
        lines = [line for line in r.iter_lines() if line]
    assert lines[0] == "event: message_start" and lines[-2] == "event: message_stop" and len(lines) == 2 * (8 + 5), lines


@check(3)
def _():
    history = ask(tool=1)
    for answer in (create, final):
        m = answer(messages=history, tools=TOOLS, tool_choice={"type": "auto", "disable_parallel_tool_use": True})
        (call,) = m.content
        assert (m.stop_reason, call.type, call.name, call.input) == ("tool_use", "tool_use", "get_weather", {"city": "Paris", "days": 3}), m
    history += [{"role": "assistant", "content": m.content}]  # as the documentation has it
    history += [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "rain"}]}]}]
    assert create(messages=history, tools=TOOLS).content[0].text == TOKENS8
    history[-1]["content"][0] |= {"is_error": True, "content": [{"type": "text", "text": "no sky"}, IMAGE]}
    assert create(messages=history, tools=TOOLS).model_extra["x_seen"] == {"images": 1, "null_contents": 1}


class Colour(pydantic.BaseModel):
    colour: str
    n: int


@check(4)
def _():
    words = ask(document='{"colour":"red","n":3}')
    assert client.messages.parse(model=MODEL, max_tokens=99, messages=words, output_format=Colour).parsed_output == Colour(colour="red", n=3)
    assert final(messages=words, output_format=Colour).parsed_output == Colour(colour="red", n=3)


@check(5)
def _():
    for source in (IMAGE["source"], {"type": "url", "url": "data:image/png;base64,iVBORw0KGgo="}):
        content = [{"type": "image", "source": source}, {"type": "text", "text": script()}]
        assert create(messages=[{"role": "user", "content": content}]).model_extra["x_seen"] == {"images": 1}


@check(6)
def _():
    shown = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    for answer in (create, final):
        thoughts, said = answer({"think": 2}, **shown).content
        assert (thoughts.type, thoughts.thinking) == ("thinking", "t0 t1 ") and said.text.startswith("t2 "), (thoughts, said)
        (said,) = answer({"think": 2}).content
        assert said.text.startswith("t2 "), said
    history = [*ask(), {"role": "assistant", "content": [thoughts, said]}, *ask()]
    assert create(messages=history, **shown).content[0].text == TOKENS8


@check(7)
def _():
    whole = create({"tokens": 6}).usage
    assert final({"tokens": 6}).usage.output_tokens == 6
    streamed = [e for e in create({"tokens": 6}, stream=True) if e.type == "message_delta"][0].usage
    for u in (whole, streamed):
        assert (u.input_tokens, u.output_tokens, u.cache_read_input_tokens) == (11, 6, 0) and u.model_extra["flotilla"]["why"], u
        r = client.get("/v1/receipts/" + u.model_extra["flotilla"]["receipt_id"], cast_to=object)["receipt"]
        assert int(r["inputTokens"]) == 11 and int(r["outputTokens"]) == 6, r
        assert int(r["amount"]) == u.model_extra["flotilla"]["cost_micro_usd"] == round(u.model_extra["cost"] * 1e6) > 0, (r, u)


@check(8)
def _():
    probe = {"x_probe": {"b": [1, 2.50, None], "a": "é"}}
    r = create(extra_body={**probe, "cost_quality_tradeoff": 10})
    assert r.model_extra["x_echo"] == probe and r.usage.model_extra["x_scripted"] is True, r


@check(9)
def _():
    refused(anthropic.NotFoundError, lambda: create(model="no-such"), 404, "not_found_error")
    for status, kind, name in (
        (400, anthropic.BadRequestError, "invalid_request_error"), (403, anthropic.PermissionDeniedError, "permission_error"), (422, anthropic.UnprocessableEntityError, "invalid_request_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"), (500, anthropic.InternalServerError, "api_error"), (503, anthropic.InternalServerError, "overloaded_error"),
    ):  # fmt: skip
        for stream in (False, True):
            settle_down()
            words = {"status": status, **({"retry_after": 7} if status == 429 else {})}
            e = refused(kind, lambda: create(words, stream=stream), 502 if status == 500 else status, name)
            assert status == 503 or "scripted error" in e.message and e.error_code == f"scripted_{status}", (e.error_code, e.message)
            assert status != 429 or e.response.headers["retry-after"] == "7", e.response.headers


@check(10)
def _():
    assert anthropic.Anthropic(base_url=ROOT, auth_token=KEY, max_retries=0).messages.create(model=MODEL, max_tokens=9, messages=ask()).content
    for bad in ({"api_key": "sk-wrong"}, {"auth_token": "sk-wrong"}):
        c = anthropic.Anthropic(base_url=ROOT, max_retries=0, **bad)
        refused(anthropic.AuthenticationError, lambda: c.messages.create(model=MODEL, max_tokens=9, messages=ask()), 401, "authentication_error")
        refused(anthropic.AuthenticationError, lambda: c.models.list(), 401, "authentication_error")


@check(11)
def _():
    for param, more in {
        "tools[0].type": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "container": {"extra_body": {"container": "c"}},
        "max_tokens": {"max_tokens": 0}, "messages[0].content[0].source": {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]},
    }.items():  # fmt: skip
        refused(anthropic.BadRequestError, lambda: create(**more), 400, "invalid_request_error", param)
    refused(anthropic.NotFoundError, lambda: client.messages.batches.retrieve("b"), 404, "not_found_error")
    refused(anthropic.ContentTooLargeError, lambda: create(messages=[{"role": "user", "content": "x" * (9 << 20)}]), 413, "request_too_large")


@check(12)
def _():
    for answer in (create, final):
        m = answer({"finish": "length"})
        assert m.stop_reason == "max_tokens" and m.content[0].text == TOKENS8, m


@check(13)
def _():
    for words, message in (({"cut": 10, "tokens": 20}, ""), ({"error": 3}, "scripted error in the stream")):
        seen = []
        e = raises(anthropic.APIStatusError, lambda: read(words, seen))
        assert 2 < len(seen) <= 12 and not any(s.type in ("message_delta", "message_stop") for s in seen) and message in e.body["error"]["message"], (len(seen), e)
        assert e.body["error"]["type"] == "api_error" and e.body["error"]["flotilla"]["receipt_id"].startswith("0x"), e.body
        settle_down()
    refused(anthropic.InternalServerError, lambda: create({"cut": 3}), 502, "api_error")


def read(words, seen):
    for event in create(words, stream=True):
        seen.append(event)


@check(14)
def _():
    async def leave():
        async with anthropic.AsyncAnthropic(base_url=ROOT, api_key=KEY, max_retries=0, timeout=60) as c:
            for stream in (False, True):
                await leaves(lambda t: consume(c, stream, t), 4 if stream else 0)

    async def consume(c, stream, t):
        r = await c.messages.create(model=MODEL, max_tokens=99, messages=ask(hold=4, tokens=9, tag=t), stream=stream)
        async for _ in r:
            pass

    asyncio.run(leave())


@check(15)
def _():
    models = {m.id: m for m in client.models.list()}
    assert models["auto"].display_name == "Automatic choice" and models[MODEL].type == "model" and models[MODEL].created_at.year > 2000, models
    assert client.models.retrieve(MODEL).id == MODEL
    count = client.messages.count_tokens(model=MODEL, system="s" * 40, messages=[{"role": "user", "content": "u" * 40}])
    assert count.input_tokens == 20 and count.model_extra["estimated"] is True, count


run("anthropic-py")
