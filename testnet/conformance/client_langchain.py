"""The checks with LangChain's ChatOpenAI."""

import asyncio

import openai
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel
from suite import BASE, KEY, MIB, MODEL, check, http, leaves, now_ms, raises, released, run, script, settle_down, stats, tag

TOKENS8 = "".join(f"t{i} " for i in range(8))


def model(**kw):
    return ChatOpenAI(**{"model": MODEL, "base_url": BASE, "api_key": KEY, "max_retries": 0, "timeout": 60, "use_responses_api": False, **kw})


@check(1)
def _():
    r = model(model="auto").invoke(script())
    assert r.content == TOKENS8 and r.response_metadata["model_name"] != "auto", r


@check(2)
def _():
    assert "".join(c.content for c in model().stream(script(tokens=20))).endswith("t19 ")


@check(3)
def _():
    chunks = list(model(stream_usage=True).stream(script()))
    with_usage = [c.usage_metadata for c in chunks if c.usage_metadata]
    assert len(with_usage) == 1 and with_usage[0]["output_tokens"] == 8, with_usage


@tool
def get_weather(city: str, days: int) -> str:
    """The weather."""
    return "rain"


@check(4)
def _():
    whole = None
    for c in model().bind_tools([get_weather]).stream(script(tool=1)):
        whole = c if whole is None else whole + c
    for r in (whole, model().bind_tools([get_weather]).invoke(script(tool=1))):
        assert [(c["name"], c["args"]) for c in r.tool_calls] == [("get_weather", {"city": "Paris", "days": 3})], r.tool_calls


class Colour(BaseModel):
    colour: str
    n: int


@check(5)
def _():
    structured = model().with_structured_output(Colour, method="json_schema")
    assert structured.invoke(script(document='{"colour":"red","n":3}')) == Colour(colour="red", n=3)


@check(6)
def _():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    call = {"id": "c1", "name": "look", "args": {}, "type": "tool_call"}
    r = model().invoke([
        HumanMessage([{"type": "text", "text": "Look"}, image]), AIMessage("", tool_calls=[call]), ToolMessage("a pixel", tool_call_id="c1"), HumanMessage(script()),
    ])  # fmt: skip
    assert r.content == TOKENS8


@check(7)
def _():
    r = model(extra_body={"x_probe": 1, "cost_quality_tradeoff": 10}, include_response_headers=True).invoke(script())
    assert r.response_metadata["headers"]["x-flotilla-receipt"], r.response_metadata


@check(9)
def _():
    name = next(m["id"] for m in http("/models")[2]["data"] if "embeddings" in m["architecture"]["output_modalities"])
    e = OpenAIEmbeddings(model=name, base_url=BASE, api_key=KEY, check_embedding_ctx_length=False)  # else it sends token ids
    assert [len(v) for v in e.embed_documents(["a", "b"])] == [384, 384]


@check(11)
def _():
    for status, kind in {400: openai.BadRequestError, 422: openai.UnprocessableEntityError, 429: openai.RateLimitError, 503: openai.InternalServerError}.items():
        settle_down()
        assert raises(kind, lambda: model().invoke(script(status=status))).status_code == status


@check(12)
def _():
    t = tag()
    raises(openai.RateLimitError, lambda: model(max_retries=2).invoke(script(status=429, retry_after=1, tag=t)))
    assert stats(t)["calls"] == 3, stats(t)


@check(13)
def _():
    raises(openai.AuthenticationError, lambda: model(api_key="sk-wrong").invoke(script()))


@check(15)
def _():
    raises(openai.APIError, lambda: list(model().stream(script(tokens=20, cut=10))))
    raises(openai.InternalServerError, lambda: model().invoke(script(cut=3)))


@check(16)
def _():
    assert "scripted error in the stream" in raises(openai.APIError, lambda: list(model().stream(script(error=3)))).message


@check(17)
def _():
    raises(openai.InternalServerError, lambda: model().invoke(script(html=1)))


@check(18)
def _():
    async def read(hold, t):
        async for _ in model().astream(script(hold=hold, tokens=9, tag=t)):
            pass

    for hold in (0, 4):
        asyncio.run(leaves(lambda t: read(hold, t), hold))


@check(19)
def _():
    t = tag()
    raises(openai.APITimeoutError, lambda: model(timeout=0.7).invoke(script(hold=0, tag=t)))
    released(t, now_ms())


@check(20)
def _():
    async def fifty():
        return await asyncio.gather(*[model().ainvoke(script(tokens=5)) for _ in range(50)])

    answers = asyncio.run(fifty())
    assert {r.content for r in answers} == {"t0 t1 t2 t3 t4 "} and len({r.response_metadata["id"] for r in answers}) == 50


@check(22)
def _():
    assert model().invoke([("system", "x " * (MIB // 2)), ("user", script())]).content == TOKENS8
    assert raises(openai.APIStatusError, lambda: model().invoke("x" * 5 * MIB)).status_code == 413


@check(23)
def _():
    assert "".join(c.content for c in model().stream(script(odd=1))) == TOKENS8


@check(24)
def _():
    whole = model().invoke(script(tokens=6)).usage_metadata
    stream = [c.usage_metadata for c in model(stream_usage=True).stream(script(tokens=6)) if c.usage_metadata][-1]
    for u in (whole, stream):
        assert (u["input_tokens"], u["output_tokens"]) == (11, 6), u


run("langchain")
