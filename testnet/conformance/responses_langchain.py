"""The checks of the Responses API with LangChain's ChatOpenAI."""

import openai
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
from suite import BASE, KEY, MODEL, check, raises, run, script, settle_down

TOKENS8 = "".join(f"t{i} " for i in range(8))


def model(**kw):
    return ChatOpenAI(**{"model": MODEL, "base_url": BASE, "api_key": KEY, "max_retries": 0, "timeout": 60, "use_responses_api": True, **kw})


def added(chunks):
    whole = None
    for c in chunks:
        whole = c if whole is None else whole + c
    return whole


@check(1)
def _():
    r = model(model="auto").invoke([("system", "Be brief."), ("human", script())])
    assert r.text == TOKENS8 and r.response_metadata["model_name"] != "auto" and r.response_metadata["id"].startswith("resp_"), r


@check(2)
def _():
    r = added(model().stream(script(tokens=20)))
    assert r.text.endswith("t19 ") and len(r.text.split()) == 20, r


@tool
def get_weather(city: str, days: int) -> str:
    """The weather."""
    return "rain"


@check(3)
def _():
    bound = model().bind_tools([get_weather])
    ask = HumanMessage(script(tool=1))
    for call in (bound.invoke([ask]), added(bound.stream([ask]))):
        assert [(c["name"], c["args"]) for c in call.tool_calls] == [("get_weather", {"city": "Paris", "days": 3})], call.tool_calls
        assert bound.invoke([ask, call, ToolMessage("rain", tool_call_id=call.tool_calls[0]["id"])]).text == TOKENS8
    said = model().invoke(script())
    assert model().invoke([HumanMessage("Hello."), said, HumanMessage(script(tokens=2))]).text == "t0 t1 "  # its own answer goes back


class Colour(BaseModel):
    colour: str
    n: int


@check(4)
def _():
    words = script(document='{"colour":"red","n":3}')
    assert model().with_structured_output(Colour).invoke(words) == Colour(colour="red", n=3)


@check(5)
def _():
    content = [{"type": "text", "text": script()}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]
    assert model().invoke([HumanMessage(content)]).text == TOKENS8


@check(6)
def _():
    thinking = model(reasoning={"effort": "low", "summary": "auto"})
    for r in (thinking.invoke(script(think=2)), added(thinking.stream(script(think=2)))):
        thoughts = [b for b in r.content_blocks if b["type"] == "reasoning"]
        assert thoughts[0]["reasoning"] == "t0 t1 ", r.content_blocks
        assert thinking.invoke([HumanMessage("Hello."), r, HumanMessage(script(tokens=2))]).text == "t0 t1 "


@check(7)
def _():
    for r in (model().invoke(script(tokens=6)), added(model().stream(script(tokens=6)))):
        u = r.usage_metadata
        assert (u["input_tokens"], u["output_tokens"], u["total_tokens"]) == (11, 6, 17), u


@check(9)
def _():
    for status, kind in ((400, openai.BadRequestError), (429, openai.RateLimitError), (500, openai.InternalServerError)):
        settle_down()
        assert "scripted error" in str(raises(kind, lambda: model().invoke(script(status=status))))


@check(10)
def _():
    e = raises(openai.BadRequestError, lambda: model().bind_tools([{"type": "web_search"}]).invoke("x"))
    assert e.param == "tools[0].type", e


@check(11)
def _():
    for r in (model().invoke(script(finish="length")), added(model().stream(script(finish="length")))):
        assert r.response_metadata["status"] == "incomplete", r.response_metadata


@check(12)
def _():
    for words in ({"tokens": 20, "cut": 10}, {"error": 3}):
        raises((openai.APIError, ValueError), lambda: list(model().stream(script(**words))))
        settle_down()


run("langchain")
