"""The checks of the Responses API with OpenAI's Agents SDK for Python, which speaks it by default."""

import asyncio

import openai
from agents import Agent, ModelSettings, Runner, function_tool, set_default_openai_client, set_tracing_disabled
from openai.types.shared import Reasoning
from pydantic import BaseModel
from suite import BASE, KEY, MODEL, check, raises, run, script, settle_down

set_tracing_disabled(True)
set_default_openai_client(openai.AsyncOpenAI(base_url=BASE, api_key=KEY, max_retries=0, timeout=60), use_for_tracing=False)
LOOP = asyncio.new_event_loop()  # one for all, since the client's connections belong to it
TOKENS8 = "".join(f"t{i} " for i in range(8))


def agent(**kw):
    return Agent(**{"name": "Assistant", "instructions": "Be brief.", "model": MODEL, **kw})


def ask(*args, **kw):
    return LOOP.run_until_complete(Runner.run(*args, **kw))


def streamed(a, words):
    """The final output, and the types of the raw events."""

    async def read():
        result = Runner.run_streamed(a, words)
        types = [e.data.type async for e in result.stream_events() if e.type == "raw_response_event"]
        return result.final_output, types

    return LOOP.run_until_complete(read())


@check(1)
def _():
    r = ask(agent(model="auto"), script())
    assert r.final_output == TOKENS8 and r.raw_responses[0].response_id.startswith("resp_"), r


@check(2)
def _():
    said, types = streamed(agent(), script(tokens=20))
    assert said.endswith("t19 ") and types[0] == "response.created" and types[-1] == "response.completed", types
    assert types.count("response.output_text.delta") == 20


@function_tool
def get_weather(city: str, days: int) -> str:
    """The weather."""
    calls.append((city, days))
    return "rain"


calls = []


@check(3)
def _():
    a = agent(tools=[get_weather], model_settings=ModelSettings(response_include=["reasoning.encrypted_content"], parallel_tool_calls=True))
    first = ask(a, script(tool=1))
    said, _ = streamed(a, script(tool=1))
    assert first.final_output == said == TOKENS8 and calls == [("Paris", 3)] * 2, (first, said, calls)
    again = first.to_input_list() + [{"role": "user", "content": script(tokens=2)}]
    assert ask(a, again).final_output == "t0 t1 "


class Colour(BaseModel):
    colour: str
    n: int


@check(4)
def _():
    r = ask(agent(output_type=Colour), script(document='{"colour":"red","n":3}'))
    assert r.final_output == Colour(colour="red", n=3), r


@check(5)
def _():
    content = [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}, {"type": "input_text", "text": script()}]
    assert ask(agent(), [{"role": "user", "content": content}]).final_output == TOKENS8


@check(6)
def _():
    thinking = agent(model_settings=ModelSettings(reasoning=Reasoning(effort="low", summary="auto")))
    r = ask(thinking, script(think=2))
    assert r.new_items[0].raw_item.summary[0].text == "t0 t1 ", r.new_items
    again = ask(thinking, r.to_input_list() + [{"role": "user", "content": script(tokens=2)}])  # gives the thoughts back
    assert again.final_output == "t0 t1 "


@check(7)
def _():
    u = ask(agent(), script(tokens=6)).context_wrapper.usage
    assert (u.input_tokens, u.output_tokens, u.total_tokens, u.input_tokens_details.cached_tokens) == (11, 6, 17, 0), u


@check(9)
def _():
    for status, kind in ((400, openai.BadRequestError), (429, openai.RateLimitError), (500, openai.InternalServerError)):
        settle_down()
        assert "scripted error" in raises(kind, lambda: ask(agent(), script(status=status))).message
        settle_down()
        raises(kind, lambda: streamed(agent(), script(status=status)))


@check(10)
def _():
    e = raises(openai.BadRequestError, lambda: ask(agent(), script(), previous_response_id="resp_1"))
    assert e.param == "previous_response_id", e


@check(12)
def _():
    for words in ({"tokens": 20, "cut": 10}, {"error": 3}):
        raises(openai.APIError, lambda: streamed(agent(), script(**words)))
        settle_down()


run("openai-agents")
