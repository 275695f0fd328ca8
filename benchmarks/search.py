"""Search for words in 1,000, 100,000 and a million tasks: with the index and row by row, the index's size and its cost a task."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ..db.indexing.indexer import Indexer
from ..db.repository import Repository
from ..db.statements import daily_counts, task_pages
from ..db.statements.filters import Filter
from ..tests.support.databases.databases import row
from ..tests.support.databases.searched_history import plain_count, plain_page
from .frame import Options, Row, percentile, table
from .support.sample_history import WORDS

SIZES = (1_000, 100_000, 1_000_000)
PAGE_SIZE = 10
TIMES = 60
PLAIN_TIMES = 2
MOST_P50, MOST_P99 = 15.0, 60.0
"""Allowed milliseconds of a search with the index."""
MOST_INSERT_MS = 0.3
"""Allowed milliseconds of the index's thread for a task."""
CHINESE = (
    "猫 湖 森林 日落 肖像 城堡 河流 山 城市 夜晚 雨 雪 光 温暖 寒冷 金色 老 新 "
    "高 绘画 照片 水彩 细节 电影感 广角 柔和 清晰 云 雾 桥 塔 街道 花园 花"
)
CHINESE_WORDS = CHINESE.split()
RARE = "zeppelin"
RARE_EVERY = 20_000
NEVER_MEET = ("lighthouse", "submarine")
UNKNOWN = "qjxzvkw"
"""Letters of words that no prompt has."""

Query = Callable[[random.Random], tuple[str, ...]]


def run(options: Options) -> list[Row]:
    """Return a row per search and size, and rows with the index's size and cost."""
    rows: list[Row] = []
    for size in sorted(options.rows or SIZES):
        with _history(size, options.seed) as (repository, file):
            rows += _costs(repository, file, size)
            rows += [_searched(what, query, repository, size, options.seed) for what, query in QUERIES.items()]
            print(table(rows[-len(QUERIES) - 2 :]), flush=True)
    missed = [found for found in rows if found["good"] is False]
    assert not missed, f"{len(missed)} figures are over their targets:\n{table(missed)}"
    return rows


def prompt(number: int, chance: random.Random) -> str:
    """Return a prompt of 24 words; every tenth one is Chinese."""
    if number % 10 == 3:
        return "，".join("".join(chance.choices(CHINESE_WORDS, k=4)) for _ in range(6))
    words = chance.choices(WORDS, k=24)
    if number % 3 == 0:
        words[5] = NEVER_MEET[number // 3 % 2]
    if number % RARE_EVERY == RARE_EVERY // 2:
        words[12] = RARE
    return " ".join(words)


QUERIES: dict[str, Query] = {
    "a frequent word": lambda chance: (chance.choice(WORDS),),
    "two frequent words": lambda chance: tuple(chance.sample(WORDS, 2)),
    "two that never meet": lambda chance: NEVER_MEET,
    "a rare word": lambda chance: (RARE,),
    "a word of none": lambda chance: ("".join(chance.choices(UNKNOWN, k=9)),),
    "one character": lambda chance: (chance.choice("aeiou"),),
    "one character of none": lambda chance: ("§",),
    "two characters": lambda chance: (chance.choice(("zz", "pe", "lu", "qj")),),
    "Chinese: a character": lambda chance: (chance.choice("猫湖雨雪"),),
    "Chinese: a word": lambda chance: (chance.choice(CHINESE_WORDS),),
    "Chinese: two words": lambda chance: tuple(chance.sample(CHINESE_WORDS, 2)),
    "Chinese: none": lambda chance: ("火车站",),
}


@contextmanager
def _history(size: int, seed: int) -> Iterator[tuple[Repository, Path]]:
    """Yield a history with this number of ended tasks, without their parameters and images."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "tasks.sqlite3"
        Repository(file).close()
        chance = random.Random(seed)
        values = {name: value for name, value in row(status="finished").items() if not isinstance(value, list | dict)}
        with closing(sqlite3.connect(file)) as database, database:
            names = ["id", *values]
            statement = f"INSERT INTO task ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # nosec B608
            database.executemany(statement, (_task(number, values, chance) for number in range(1, size + 1)))
        repository = Repository(file)
        repository.write(daily_counts.recount).result()
        try:
            yield repository, file
        finally:
            repository.close()


def _task(number: int, values: dict[str, Any], chance: random.Random) -> tuple[Any, ...]:
    own = {"task_id": f"{number:032x}", "rank": number, "queued_at": number * 1000, "words": prompt(number, chance)}
    return (number, *{**values, **own}.values())


def _costs(repository: Repository, file: Path, size: int) -> list[Row]:
    """Index the history, and return the cost and the size of the index for a task."""
    before, began, cpu = _bytes_of(file), time.perf_counter(), time.thread_time()
    indexer = Indexer(repository.read, lambda change: repository.write(change).result(), lambda: None)
    chunks = indexer.index()
    took, own = time.perf_counter() - began, time.thread_time() - cpu
    added, ms = _bytes_of(file) - before, own * 1000 / size
    row_of: Row = {"what": "the index", "tasks": size, "p50_ms": None, "p99_ms": None, "plain_ms": None}
    return [
        {**row_of, "what": f"index: ms of its thread a task ({chunks} chunks in {took:.0f} s)", "p50_ms": round(ms, 3)}
        | {"most_p50": MOST_INSERT_MS, "good": ms <= MOST_INSERT_MS},
        {**row_of, "what": "index: bytes a task", "p50_ms": round(added / size, 1), "most_p50": None, "good": None},
    ]


def _bytes_of(file: Path) -> int:
    """Return the bytes of a history's pages, with those that are not in the file itself yet."""
    with closing(sqlite3.connect(file)) as database:
        ((pages,),) = database.execute("PRAGMA page_count")
        ((size,),) = database.execute("PRAGMA page_size")
    return int(pages) * int(size)


def _searched(what: str, query: Query, repository: Repository, size: int, seed: int) -> Row:
    """Return p50 and p99 of a search in milliseconds, next to a search row by row."""
    chance = random.Random(seed)
    times, plain = [], []
    for number in range(TIMES + 1):
        criteria = Filter(prompt_words=query(chance), exclude_statuses=("pending", "running"))
        took, found = _timed(repository, partial(task_pages.page_and_count, criteria, 0, PAGE_SIZE))
        if number:
            times.append(took)
        if number < PLAIN_TIMES:
            took, ids = _timed(repository, partial(plain_page, criteria, 0, PAGE_SIZE))
            counted, total = _timed(repository, partial(plain_count, criteria, task_pages.MAX_COUNT))
            assert found == (ids, total), criteria
            plain.append(took + counted)
    p50, p99 = percentile(times, 50), percentile(times, 99)
    return {
        "what": what,
        "tasks": size,
        "p50_ms": round(p50, 2),
        "p99_ms": round(p99, 2),
        "plain_ms": round(min(plain), 1),
        "most_p50": MOST_P50,
        "good": p50 <= MOST_P50 and p99 <= MOST_P99,
    }


def _timed(repository: Repository, query: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = repository.read(query)
    return (time.perf_counter() - began) * 1000, found
