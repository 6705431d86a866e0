"""The checks of the Responses API with the official OpenAI client for Python."""

import asyncio
import json

import openai
import pydantic
from suite import BASE, KEY, MODEL, check, leaves, raises, run, script, settle_down, tag

client = openai.OpenAI(base_url=BASE, api_key=KEY, max_retries=0, timeout=60)
create = client.responses.create
TOKENS8 = "".join(f"t{i} " for i in range(8))
TOOLS = [{"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}, "strict": False}]


def refused(kind, fn, status, code=None, param=None):
    e = raises(kind, fn)
    assert e.status_code == status and e.request_id.startswith("req_") and isinstance(e.type, str), e
    assert (code is None or e.code == code) and (param is None or e.param == param), (e.code, e.param)
    return e


@check(1)
def _():
    r = create(model="auto", input=script(), instructions="Be brief.", store=True, include=["reasoning.encrypted_content"], truncation="auto")
    assert r.output_text == TOKENS8 and r.status == "completed" and r.error is None and r.id.startswith("resp_"), r
    assert r._request_id.startswith("req_") and r.model != "auto" and r.instructions == "Be brief." and r.truncation == "disabled"
    assert r.model_extra["store"] is False and isinstance(client.get("/receipts/" + r.id, cast_to=object), dict)


@check(2)
def _():
    events = list(create(model=MODEL, input=[{"role": "user", "content": script(tokens=20)}], stream=True))
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert [e.type for e in events if not e.type.endswith(".delta")] == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
        "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed",
    ]  # fmt: skip
    said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert said == events[-1].response.output_text and said.endswith("t19 ") and events[0].response.id == events[-1].response.id
    with client.responses.stream(model=MODEL, input=script()) as s:
        assert s.get_final_response().output_text == TOKENS8
    with client.responses.with_streaming_response.create(model=MODEL, input=script(), stream=True) as r:
        lines = [line for line in r.iter_lines() if line]
    assert lines[0] == "event: response.created" and lines[-2] == "event: response.completed" and len(lines) == 2 * (8 + 8), lines


@check(3)
def _():
    history = [{"role": "user", "content": script(tool=1)}]
    whole = create(model=MODEL, input=history, tools=TOOLS, tool_choice="auto").output
    with client.responses.stream(model=MODEL, input=history, tools=TOOLS) as s:
        streamed = s.get_final_response().output
    for call in (*whole, *streamed):
        assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "get_weather", {"city": "Paris", "days": 3}), call
    history += whole  # as the documentation has it
    history.append({"type": "function_call_output", "call_id": whole[0].call_id, "output": "rain"})
    assert create(model=MODEL, input=history, tools=TOOLS).output_text == TOKENS8


class Colour(pydantic.BaseModel):
    colour: str
    n: int


@check(4)
def _():
    words = script(document='{"colour":"red","n":3}')
    assert client.responses.parse(model=MODEL, input=words, text_format=Colour).output_parsed == Colour(colour="red", n=3)
    with client.responses.stream(model=MODEL, input=words, text_format=Colour) as s:
        assert s.get_final_response().output_parsed == Colour(colour="red", n=3)


@check(5)
def _():
    content = [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"}, {"type": "input_text", "text": script()}]
    assert create(model=MODEL, input=[{"role": "user", "content": content}]).model_extra["x_seen"] == {"images": 1}


@check(6)
def _():
    thoughts, answer = create(model=MODEL, input=script(think=2)).output
    assert thoughts.type == "reasoning" and thoughts.content[0].text == "t0 t1 " and answer.content[0].text.startswith("t2 ")
    events = list(create(model=MODEL, input=script(think=2), stream=True, reasoning={"effort": "low", "summary": "auto"}))
    assert "".join(e.delta for e in events if e.type == "response.reasoning_summary_text.delta") == "t0 t1 "
    assert events[-1].response.output[0].summary[0].text == "t0 t1 "


@check(7)
def _():
    whole = create(model=MODEL, input=script(tokens=6)).usage
    streamed = list(create(model=MODEL, input=script(tokens=6), stream=True))[-1].response.usage
    for u in (whole, streamed):
        assert (u.input_tokens, u.output_tokens, u.total_tokens) == (11, 6, 17), u
        assert (u.input_tokens_details.cached_tokens, u.output_tokens_details.reasoning_tokens) == (0, 0), u
        r = client.get("/receipts/" + u.model_extra["flotilla"]["receipt_id"], cast_to=object)["receipt"]
        assert int(r["inputTokens"]) == 11 and int(r["outputTokens"]) == 6, r
        assert int(r["amount"]) == u.model_extra["flotilla"]["cost_micro_usd"] == round(u.model_extra["cost"] * 1e6) > 0, (r, u)


@check(8)
def _():
    probe = {"x_probe": {"b": [1, 2.50, None], "a": "é"}}
    r = create(model=MODEL, input=script(), metadata={"k": "v"}, extra_body={**probe, "cost_quality_tradeoff": 10})
    assert r.model_extra["x_echo"] == probe and r.usage.model_extra["x_scripted"] is True and r.metadata == {"k": "v"}, r


@check(9)
def _():
    bad = client.with_options(api_key="sk-wrong")
    refused(openai.AuthenticationError, lambda: bad.responses.create(model=MODEL, input="x"), 401, "invalid_api_key")
    refused(openai.NotFoundError, lambda: create(model="no-such", input="x"), 404, "model_not_found")
    for status, kind in ((400, openai.BadRequestError), (422, openai.UnprocessableEntityError), (429, openai.RateLimitError), (500, openai.InternalServerError)):
        for stream in (False, True):
            settle_down()
            e = refused(kind, lambda: create(model=MODEL, input=script(status=status), stream=stream), 502 if status == 500 else status, f"scripted_{status}")
            assert "scripted error" in e.message


@check(10)
def _():
    for param, value in {"previous_response_id": "resp_1", "background": True, "conversation": "conv_1", "prompt": {"id": "p"}}.items():
        e = refused(openai.BadRequestError, lambda: create(model=MODEL, input="x", **{param: value}), 400, "unsupported_parameter", param)
        assert "kept" in e.message, e.message
    refused(openai.BadRequestError, lambda: create(model=MODEL, input="x", tools=[{"type": "web_search"}]), 400, "unsupported_value", "tools[0].type")
    refused(openai.NotFoundError, lambda: client.responses.retrieve("resp_1"), 404, "unknown_url")
    refused(openai.NotFoundError, lambda: client.responses.delete("resp_1"), 404, "unknown_url")


@check(11)
def _():
    r = create(model=MODEL, input=script(finish="length"), max_output_tokens=99)
    assert r.status == "incomplete" and r.incomplete_details.reason == "max_output_tokens" and r.output_text == TOKENS8, r
    last = list(create(model=MODEL, input=script(finish="length"), stream=True))[-1]
    assert last.type == "response.incomplete" and last.response.incomplete_details.reason == "max_output_tokens", last


@check(12)
def _():
    for words, message in (({"cut": 10, "tokens": 20}, ""), ({"error": 3}, "scripted error in the stream")):
        seen = []
        e = raises(openai.APIError, lambda: read(words, seen))
        assert 4 < len(seen) <= 14 and not any(s.type == "response.completed" for s in seen) and message in e.message, (len(seen), e)
        assert e.body["flotilla"]["receipt_id"].startswith("0x"), e.body
        settle_down()
    refused(openai.InternalServerError, lambda: create(model=MODEL, input=script(cut=3)), 502)


def read(words, seen):
    for event in create(model=MODEL, input=script(**words), stream=True):
        seen.append(event)


@check(13)
def _():
    async def leave():
        async with openai.AsyncOpenAI(base_url=BASE, api_key=KEY, max_retries=0, timeout=60) as c:
            for stream in (False, True):
                await leaves(lambda t: consume(c, stream, t), 4 if stream else 0)

    async def consume(c, stream, t):
        r = await c.responses.create(model=MODEL, input=script(hold=4, tokens=9, tag=t), stream=stream)
        async for _ in r:
            pass

    asyncio.run(leave())


run("openai-python")
