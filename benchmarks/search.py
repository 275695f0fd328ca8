"""Duration of searches for words with up to a million tasks in the history, with the index and row by row, and its cost."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..db.indexing.indexer import Indexer
from ..db.repository import Repository
from ..db.statements import task_pages
from ..db.statements.filters import Filter
from ..db.tables import database
from ..tests.support.databases.databases import row
from ..tests.support.databases.searched_history import plain_count, plain_page
from .frame import Options, Row, percentile, table
from .support.sample_prompts import SEARCHES, add_tasks

SIZES = (1_000, 100_000, 1_000_000)
TIMES, PLAIN_TIMES = 100, 3
PAGE_SIZE = 10
LIMITS_MS = (15.0, 60.0)
"""Allowed milliseconds at p50 and p99, for every size and search."""
LIMIT_INSERT_MS = 0.3
"""Allowed milliseconds of processor time that indexing takes for each task."""
ACTIVE = ("pending", "running")


def run(options: Options) -> list[Row]:
    """Return a row per search and size, and one per size for the index itself.

    Raises:
        AssertionError: a search or the index costs more than it may.
    """
    rows: list[Row] = []
    for size in sorted(options.rows or SIZES):
        with tempfile.TemporaryDirectory(prefix="search-") as folder:
            file = (options.cache or Path(folder)) / f"search-{size}.sqlite3"
            is_new = not file.exists()
            repository = Repository(file)
            try:
                if is_new:
                    repository.write(partial(add_tasks, row(), size, options.seed)).result()
                found = [_index(repository, size), *(_asked(repository, size, *each) for each in SEARCHES.items())]
            finally:
                repository.close()
        rows += found
        print(table(found), flush=True)
    bad = [f"{each['what']} at {each['tasks']:,}" for each in rows if not each["good"]]
    assert not bad, f"{', '.join(bad)} cost more than they may"
    return rows


def _index(repository: Repository, size: int) -> Row:
    """Index the history as an upgrade does in the background, unless a cached one has its index, and return its cost."""
    spent = [0.0]

    def timed(run: Callable[[Callable[[], Any]], Any], action: Callable[[], Any]) -> Any:
        def measured() -> Any:
            began = time.thread_time()
            try:
                return action()
            finally:
                spent[0] += time.thread_time() - began

        return run(measured)

    write = partial(timed, lambda change: repository.write(change).result())
    began, used = time.perf_counter(), time.thread_time()
    chunks = Indexer(partial(timed, repository.read), write, lambda: None).index()
    seconds, used = time.perf_counter() - began, time.thread_time() - used + spent[0]
    sql = "SELECT SUM(LENGTH(part) + LENGTH(rows) + 8) FROM search_set"  # a cell's header included
    content = repository.read(lambda: database.execute_sql(sql).fetchone()[0]) or 0
    each_ms = used / size * 1000
    return {
        "what": "index",
        "tasks": size,
        "good": each_ms <= LIMIT_INSERT_MS,
        "chunks": chunks,
        "index_s": round(seconds, 1),
        "ms_a_task": round(each_ms, 3),
        "most_ms": LIMIT_INSERT_MS,
        "bytes_a_task": round(content / size),
    }


def _asked(repository: Repository, size: int, what: str, words: tuple[str, ...]) -> Row:
    """Return the times of a page with its count, as `GET /tasks` asks for them."""
    criteria = Filter(prompt_words=words, exclude_statuses=ACTIVE)
    ids, (found, may_be_more) = repository.read(partial(task_pages.page_and_count, criteria, 0, PAGE_SIZE))
    took = [_took(repository, partial(task_pages.page_and_count, criteria, 0, PAGE_SIZE)) for _ in range(TIMES)]

    def plain() -> tuple[list[int], tuple[int, bool]]:
        page = plain_page(criteria, 0, PAGE_SIZE)
        return page, (len(page), False) if len(page) < PAGE_SIZE else plain_count(criteria, task_pages.MAX_COUNT)

    page, (number, is_capped) = repository.read(plain)
    is_same = page == ids and (found <= number if may_be_more else (found, False) == (number, is_capped))
    assert is_same, f"{words} finds other tasks than a search row by row"
    before = [_took(repository, plain) for _ in range(PLAIN_TIMES)]
    p50, p99 = percentile(took, 50), percentile(took, 99)
    return {
        "what": what,
        "tasks": size,
        "good": p50 <= LIMITS_MS[0] and p99 <= LIMITS_MS[1],
        "found": found,
        "p50_ms": round(p50, 2),
        "p99_ms": round(p99, 2),
        "most_p50": LIMITS_MS[0],
        "most_p99": LIMITS_MS[1],
        "row_by_row_p50_ms": round(percentile(before, 50), 2),
    }


def _took(repository: Repository, query: Callable[[], Any]) -> float:
    began = time.perf_counter_ns()
    repository.read(query)
    return (time.perf_counter_ns() - began) / 1e6
