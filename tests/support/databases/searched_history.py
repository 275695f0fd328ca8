"""Search of the tasks row by row, without the index of words, and histories to compare both with."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fooocus_api.db.indexing.indexer import Indexer
from fooocus_api.db.repository import Repository
from fooocus_api.db.search.row_sets import CHUNK
from fooocus_api.db.statements import task_pages
from fooocus_api.db.statements.filters import Filter, matching
from fooocus_api.db.statements.writes import insert_ended
from fooocus_api.db.tables import TaskRow
from fooocus_api.tests.support.databases.databases import row

LETTERS = "abcdeßéσ猫在屋顶上的%_\\'\"(:1.2)🐈"
WORDS = ("lake", "lakeside", "cat", "castle", "watercolour", "100%", "snake_case", "back\\slash", "最高质量", "一只猫")
NEVER_MEET = ("lighthouse", "submarine")
STATUSES = ("finished", "failed", "stopped", "pending", "running")
PROMPTS = 2 * CHUNK + 900


def prompt(number: int, chance: random.Random) -> str:
    """Return a prompt of words that many have, a word that few have, and a word of any letters."""
    rare = f"{chance.choice(WORDS)}{chance.randrange(3000)}"
    anything = "".join(chance.choices(LETTERS, k=chance.randrange(1, 12)))
    words = [*chance.choices(WORDS, k=chance.randrange(4)), rare, anything]
    words += ["猫在屋顶上"] if number % 50 == 0 else []
    words += [NEVER_MEET[number % 2]] if number % 3 == 0 else []
    chance.shuffle(words)
    return chance.choice(" \t\u3000").join(words)


def tasks(number: int, seed: int, began: int = 0) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    return [
        row(
            prompt=prompt(position, chance),
            status=chance.choices(STATUSES, (80, 9, 9, 1, 1))[0],
            source=chance.choice(("api", "webui")),
            model=chance.choice(("one.safetensors", "a/two.safetensors")),
            tags=["third"] * (position % 3 == 0) + ["seventieth"] * (position % 70 == 0),
            queued_at=began + (position if position < CHUNK else position // 2 * 3 % number),
        )
        for position in range(number)
    ]


def insert(repository: Repository, rows: list[dict[str, Any]]) -> None:
    repository.write(partial(insert_ended, [(values, ()) for values in rows])).result(120)


def index(repository: Repository) -> int:
    """Index what the repository has now, and return the number of chunks."""
    indexer = Indexer(repository.read, lambda change: repository.write(change).result(60), lambda: None)
    return indexer.index()


@dataclass
class Searched:
    """A history to search, and its prompts."""

    repository: Repository
    prompts: list[str] = field(repr=False)

    def check(self, criteria: Filter, offset: int = 0, limit: int = 10, *, newest_first: bool = True) -> list[int]:
        """Compare the search with one row by row, and return the ids of the page."""
        read = self.repository.read
        ids = read(partial(task_pages.page, criteria, offset, limit, newest_first=newest_first))
        assert ids == read(partial(plain_page, criteria, offset, limit, newest_first=newest_first)), criteria
        number, is_capped = read(partial(plain_count, criteria, task_pages.MAX_COUNT))
        counted, may_be_more = read(partial(task_pages.count, criteria))
        assert (counted == number and may_be_more == is_capped) or (may_be_more and counted <= number), criteria
        both, (counted, may_be_more) = read(
            partial(task_pages.page_and_count, criteria, offset, limit, newest_first=newest_first)
        )
        assert both == ids, criteria
        assert (counted == number and may_be_more == is_capped) or (may_be_more and counted <= number), criteria
        assert counted >= min(offset + len(ids), task_pages.MAX_COUNT) or not ids, criteria
        return ids


def plain_page(criteria: Filter, offset: int, limit: int, *, newest_first: bool = True) -> list[int]:
    """Return the row ids of a page. Run it with `Repository.read`."""
    keys = (TaskRow.queued_at, TaskRow.id)
    query: Any = TaskRow.select(TaskRow.id).order_by(*(key.desc() if newest_first else key.asc() for key in keys))
    found: Any = matching(query, criteria).limit(limit).offset(offset).tuples()
    return [row_id for (row_id,) in found]


def plain_count(criteria: Filter, most: int) -> tuple[int, bool]:
    """Return the number of matching rows, at most `most`, and whether there are more. Run it with `Repository.read`."""
    query: Any = TaskRow.select(TaskRow.id)
    number = int(matching(query, criteria).limit(most + 1).count())
    return min(number, most), number > most
