"""Nobody's lists keep others waiting."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from e2xhub.course_desk.previews import Preview
from e2xhub.course_desk.refusals import BUSY, DeskUnavailableError
from e2xhub.course_desk.turns import Turns
from tests.course_desk.school import MATHS, School, run

MOST_SECONDS = 30


class SlowList(bytes):
    """A file that takes until it may be read."""

    may_be_read: threading.Event

    def startswith(self, *words: Any) -> bool:
        assert self.may_be_read.wait(MOST_SECONDS)
        return super().startswith(*words)


def test_pages_and_changes_go_on_while_all_lists_take_long(school: School) -> None:
    upload = SlowList(b"username\nemma\n")
    upload.may_be_read = threading.Event()

    async def work() -> list[Preview]:
        lists = [
            asyncio.ensure_future(school.desk.preview(actor, (), *MATHS, upload))
            for actor in ("ivo", "ida", "ivo")
        ]
        await asyncio.sleep(0.1)
        shown = await asyncio.wait_for(school.desk.members("gina", (), *MATHS), MOST_SECONDS / 3)
        assert shown.members
        made = school.desk.change("ida", (), *MATHS, add=[("nina", "student")])
        assert (await asyncio.wait_for(made, MOST_SECONDS / 3)).added == 1
        assert not any(preview.done() for preview in lists)
        upload.may_be_read.set()
        return await asyncio.gather(*lists)

    assert [len(preview.added) for preview in run(work())] == [1, 1, 1]


def test_one_person_reads_one_list_at_a_time_and_a_few_wait() -> None:
    async def work() -> None:
        turns, at_once = Turns(waiting=2), 0

        async def take(person: str) -> int:
            nonlocal at_once
            async with turns.turn_of(person):
                at_once += 1
                await asyncio.sleep(0.01)
                found = at_once
                at_once -= 1
            return found

        taken = await asyncio.gather(*(take("ivo") for _ in range(5)), return_exceptions=True)
        assert taken[:3] == [1, 1, 1]
        assert [(type(it), str(it)) for it in taken[3:]] == [(DeskUnavailableError, BUSY)] * 2
        assert list(await asyncio.gather(take("ivo"), take("ida"))) == [2, 1]

    run(work())


def test_turn_ends_where_the_call_fails() -> None:
    async def work() -> None:
        turns = Turns(waiting=0)
        for _ in range(2):
            with pytest.raises(ValueError, match=r"^no list$"):
                async with turns.turn_of("ivo"):
                    raise ValueError("no list")

    run(work())
