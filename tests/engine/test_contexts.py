"""What is switched on belongs to a thread and a task, and ends where it should: not in a caller's code."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import no_grad
from clearprop.errors import UnsupportedError


def is_on() -> bool:
    """Whether gradients are: a result of a leaf requires one."""
    return (clearprop.tensor(2.0) * 3).requires_grad


class Oops(Exception):
    """Raised on purpose."""


def in_thread(f: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(f).result(10)


# ---- one thread


def test_nested_and_entered_again() -> None:
    off = no_grad()
    seen = []
    with off:
        seen.append(is_on())
        with off, no_grad():
            seen.append(is_on())
        seen.append(is_on())
    seen.append(is_on())
    with off:
        seen.append(is_on())
    seen.append(is_on())
    assert seen == [False, False, False, True, False, True]


def test_after_an_error() -> None:
    @no_grad()
    def fails() -> None:
        assert not is_on()
        raise Oops

    for _ in range(2):
        with pytest.raises(Oops):
            fails()
        assert is_on()
    with no_grad():
        with pytest.raises(Oops):
            fails()
        assert not is_on()
    assert is_on()


def test_a_function_that_calls_itself() -> None:
    @no_grad()
    def depth(n: int) -> list[bool]:
        inner = depth(n - 1) if n else []
        return [is_on(), *inner]

    assert depth(3) == [False] * 4
    assert is_on()


class Model:
    scale = 3.0

    @no_grad()
    def method(self, x: Any, *, twice: bool = False) -> Any:
        """What it says."""
        return self.scale * x * (2 if twice else 1)

    @classmethod
    @no_grad()
    def of_class(cls, x: Any) -> Any:
        return cls.scale * x


def test_methods_and_signatures() -> None:
    x = clearprop.tensor(2.0)
    y = Model().method(x, twice=True)
    assert (y.value, y.requires_grad) == (12.0, False)
    assert not Model.of_class(x).requires_grad
    assert Model.method.__doc__ == "What it says."
    assert list(inspect.signature(Model.method).parameters) == ["self", "x", "twice"]


def test_a_gradient_asked_for_within_is_given() -> None:
    seen = []

    def f(x: Any) -> Any:
        with no_grad():
            seen.append((x * 2).requires_grad)
        seen.append((x * 2).requires_grad)
        return x * x

    with no_grad():
        assert clearprop.grad(f)(3.0) == 6.0
        assert not is_on()
        with pytest.raises(Oops):
            clearprop.grad(lambda x: raise_oops())(3.0)
        assert not is_on()
    assert seen == [False, True]
    assert is_on()


def raise_oops() -> Any:
    raise Oops


def test_a_transform_that_fails_leaves_nothing_switched_on() -> None:
    t = clearprop.tensor(1.0)
    for run in (
        lambda: clearprop.grad(lambda x: raise_oops())(1.0),
        lambda: clearprop.trace(lambda x: raise_oops(), 1.0),
        lambda: clearprop.explain(lambda x: raise_oops(), 1.0),
        lambda: clearprop.block(lambda x: raise_oops())(t),
    ):
        with pytest.raises(Oops):
            run()
        assert float(t) == 1.0  # within a transform it raises
        y = t * 2
        assert y.origin is None  # within a recording or a block it has one
        assert is_on()


def test_a_sweep_that_fails_is_over() -> None:
    @clearprop.block
    def double(x: Any) -> Any:
        return 2 * x

    @double.gradient
    def double_gradient(g: Any, out: Any, x: Any) -> Any:
        raise clearprop.GradientError("there is none")

    def f(x: Any) -> Any:
        with pytest.raises(clearprop.GradientError, match="there is none"):
            clearprop.grad(double)(x)
        y = x * 5
        return y + 1

    graph = clearprop.trace(f, 1.0)
    assert [(n.is_backward, n.line.text) for n in graph.nodes if n.line] == [
        (False, "y = x * 5"),
        (False, "return y + 1"),
    ]


def test_a_sweep_within_a_sweep_ends_alone() -> None:
    @clearprop.block
    def double(x: Any) -> Any:
        return 2 * x

    @double.gradient
    def double_gradient(g: Any, out: Any, x: Any) -> Any:
        return clearprop.grad(lambda h: h * h)(g) + g

    graph = clearprop.trace(clearprop.grad(lambda x: double(x) * x), 1.0)
    assert all(n.is_backward for n in graph.nodes if n.primitive.name == "add")


# ---- generators


@no_grad()
def counting(n: int) -> Iterator[Any]:
    """Yields whether gradients are on; answers what it is sent."""
    total = 0
    try:
        for i in range(n):
            got = yield (i, is_on())
            total += got or 0
    except Oops:
        yield ("caught", is_on())
    finally:
        ends.append(is_on())
    return total


ends: list[bool] = []


@pytest.fixture(autouse=True)
def no_ends() -> None:
    ends.clear()


def test_a_generator_function_runs_without_gradients_and_its_caller_with() -> None:
    seen = []
    for found in counting(3):
        seen.append((found, is_on()))
    assert seen == [((i, False), True) for i in range(3)]
    assert ends == [False]
    assert inspect.isgeneratorfunction(counting)


def test_a_generator_gets_what_is_sent_and_thrown_and_returns_its_value() -> None:
    steps = counting(2)
    assert next(steps) == (0, False)
    assert steps.send(5) == (1, False)
    with pytest.raises(StopIteration) as stop:
        steps.send(6)
    assert stop.value.value == 11

    steps = counting(2)
    next(steps)
    assert steps.throw(Oops()) == ("caught", False)
    assert is_on()
    with pytest.raises(KeyError):
        steps.throw(KeyError())
    assert is_on()

    def delegate() -> Iterator[Any]:
        return (yield from counting(1))

    assert list(delegate()) == [(0, False)]
    assert ends == [False] * 3


def test_a_generator_that_is_closed() -> None:
    steps = counting(2)
    next(steps)
    steps.close()
    assert ends == [False]
    assert is_on()
    counting(2).close()  # before it began
    assert ends == [False]


def test_with_around_a_yield_holds_for_the_caller_until_the_generator_goes_on() -> None:
    def steps() -> Iterator[None]:
        with no_grad():
            yield
        yield

    generator = steps()
    next(generator)
    assert not is_on()
    next(generator)
    assert is_on()


def test_generators_that_overlap() -> None:
    def steps() -> Iterator[None]:
        with no_grad():
            yield

    first, second = steps(), steps()
    next(first)
    next(second)
    list(first)
    assert not is_on()  # the second one's
    list(second)
    assert is_on()
    third = steps()
    next(third)
    with no_grad():
        list(third)
        assert not is_on()
    assert is_on()


def test_a_generator_closed_elsewhere_changes_nothing_there() -> None:
    def steps() -> Iterator[None]:
        with no_grad():
            yield

    generator = steps()
    contextvars.copy_context().run(next, generator)
    assert is_on()
    with no_grad():
        generator.close()
        assert not is_on()
    assert is_on()


# ---- threads


def test_a_decorated_function_in_two_threads_at_once() -> None:
    one_in, other_in, one_out = (threading.Event() for _ in range(3))

    @no_grad()
    def evaluate(mine: threading.Event, others: threading.Event) -> bool:
        mine.set()
        others.wait(10)
        return is_on()

    def one() -> list[bool]:
        found = [evaluate(one_in, other_in), is_on()]
        one_out.set()
        return found

    def other() -> list[bool]:
        one_in.wait(10)
        with no_grad():
            return [evaluate(other_in, one_out), is_on()]

    with ThreadPoolExecutor(2) as pool:
        found = [future.result(10) for future in (pool.submit(one), pool.submit(other))]
    assert found == [[False, True], [False, False]]


def test_one_object_entered_and_left_in_turns() -> None:
    off, steps = no_grad(), [threading.Event() for _ in range(3)]

    def worker() -> list[bool]:
        off.__enter__()
        steps[0].set()
        steps[1].wait(10)
        seen = [is_on()]
        off.__exit__(None, None, None)
        return [*seen, is_on()]

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(worker)
        steps[0].wait(10)
        assert is_on()
        with off:
            assert not is_on()
        assert is_on()
        steps[1].set()
        assert future.result(10) == [False, True]


def test_a_new_thread_starts_afresh() -> None:
    def look() -> tuple[bool, float, Any]:
        t = clearprop.tensor(3.0)
        return is_on(), float(t), (t * 2).origin

    fresh = (True, 3.0, None)
    with no_grad():
        assert in_thread(look) == fresh
    seen = []

    def f(x: Any) -> Any:
        seen.append(in_thread(look))
        return x * x

    clearprop.grad(f)(1.0)
    clearprop.trace(f, 1.0)
    clearprop.block(f)(clearprop.tensor(1.0))
    assert seen == [fresh] * 3


# ---- tasks


def test_tasks_that_overlap() -> None:
    async def first(turns: list[asyncio.Event]) -> list[bool]:
        with no_grad():
            turns[0].set()
            await turns[1].wait()
            inside = is_on()
        turns[2].set()
        return [inside, is_on()]

    async def second(turns: list[asyncio.Event]) -> list[bool]:
        await turns[0].wait()
        before = is_on()
        with no_grad():
            turns[1].set()
            await turns[2].wait()
            inside = is_on()
        return [before, inside, is_on()]

    async def main() -> Any:
        turns = [asyncio.Event() for _ in range(3)]
        return *await asyncio.gather(first(turns), second(turns)), is_on()

    assert asyncio.run(main()) == ([False, True], [True, False, True], True)
    assert is_on()


@no_grad()
async def waits(n: int = 2) -> list[bool]:
    seen = []
    for _ in range(n):
        await asyncio.sleep(0)
        seen.append(is_on())
    return seen


def test_an_async_function() -> None:
    async def plain() -> list[bool]:
        seen = []
        for _ in range(4):
            await asyncio.sleep(0)
            seen.append(is_on())
        return seen

    async def main() -> Any:
        found = await asyncio.gather(waits(), plain(), waits(3), plain())
        return [*found, await waits(1), is_on()]

    assert asyncio.run(main()) == [[False] * 2, [True] * 4, [False] * 3, [True] * 4, [False], True]
    assert inspect.iscoroutinefunction(waits)


def test_an_async_function_that_fails_or_is_cancelled() -> None:
    @no_grad()
    async def fails() -> None:
        await asyncio.sleep(0)
        raise Oops

    async def main() -> list[bool]:
        with pytest.raises(Oops):
            await fails()
        seen = [is_on()]
        task = asyncio.ensure_future(waits(1000))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [*seen, is_on()]

    assert asyncio.run(main()) == [True, True]


@no_grad()
async def producing(n: int) -> AsyncIterator[Any]:
    try:
        for i in range(n):
            await asyncio.sleep(0)
            got = yield (i, is_on())
            if got:
                yield ("got", got)
    except Oops:
        yield ("caught", is_on())
    finally:
        ends.append(is_on())


def test_an_async_generator_function() -> None:
    async def main() -> None:
        seen = []
        async for found in producing(2):
            seen.append((found, is_on()))
        assert seen == [((0, False), True), ((1, False), True)]
        steps = producing(2)
        assert await anext(steps) == (0, False)
        assert await steps.asend("x") == ("got", "x")
        assert await steps.athrow(Oops()) == ("caught", False)
        await steps.aclose()
        steps = producing(2)
        await anext(steps)
        await steps.aclose()
        assert is_on()
        assert ends == [False] * 3

    asyncio.run(main())
    assert inspect.isasyncgenfunction(producing)


def test_executors() -> None:
    """`asyncio.to_thread` takes its caller's settings along, `run_in_executor` does not, as documented."""

    async def main() -> list[bool]:
        loop = asyncio.get_running_loop()
        with no_grad():
            seen = [await asyncio.to_thread(is_on), await loop.run_in_executor(None, is_on)]
            here = contextvars.copy_context()
            seen.append(await loop.run_in_executor(None, partial(here.run, is_on)))
        return [*seen, await asyncio.to_thread(is_on)]

    assert asyncio.run(main()) == [False, True, False, True]


def test_transforms_and_recordings_of_tasks_are_apart() -> None:
    """Gradients, graphs and explanations whose functions give way to each other mid-way are as alone."""

    def run(what: int, scale: float, pause: Callable[[], None]) -> Any:
        @clearprop.block
        def part(x: Any) -> Any:
            y = scale * x
            pause()
            return y * x

        def f(x: Any) -> Any:
            z = part(x)
            pause()
            return np.sin(z)

        if what == 0:
            return float(clearprop.grad(f)(0.5))
        if what == 1:
            return str(clearprop.trace(f, 0.5))
        return str(clearprop.explain(f, 0.5))

    jobs = [(what, scale) for what in range(3) for scale in (1.0, 2.0)]
    alone = [run(*job, lambda: None) for job in jobs]

    def at_once() -> list[Any]:
        barrier = threading.Barrier(len(jobs))
        with ThreadPoolExecutor(len(jobs)) as pool:
            return list(pool.map(lambda job: run(*job, lambda: barrier.wait(10) and None), jobs))

    assert at_once() == alone


def test_a_task_within_a_transform() -> None:
    """A traced or differentiated function may run tasks: they see what it sees."""

    def f(x: Any) -> Any:
        async def part(y: Any) -> Any:
            await asyncio.sleep(0)
            return x * y

        async def main() -> Any:
            parts = await asyncio.gather(part(2.0), part(3.0))
            return sum(parts) + await asyncio.to_thread(lambda: x * 4.0)

        return asyncio.run(main())

    assert clearprop.grad(f)(1.0) == 9.0
    graph = clearprop.trace(clearprop.grad(f), 1.0)
    assert graph.evaluate(1.0) == 9.0
    assert clearprop.trace(f, 1.0).evaluate(2.0) == 18.0


def test_no_grad_before_a_class() -> None:
    with pytest.raises(UnsupportedError, match=r"before the class Model.* before the methods"):

        @no_grad()
        class Model:
            pass

    class Other:
        @no_grad()
        def evaluate(self, x: Any) -> Any:
            return x * 2.0

    assert not Other().evaluate(clearprop.tensor(1.0)).requires_grad
