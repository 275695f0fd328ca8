"""Prompts in English and Chinese, with words of all frequencies, and searches for them."""

from __future__ import annotations

import random
from typing import Any

from peewee import chunked

from ...db.encoding import encoded
from ...db.statements import daily_counts
from ...db.tables import ParametersRow, TaskRow, database

YEARS_MS = 3 * 365 * 24 * 3600 * 1000
COMMON_WORDS = (
    "cat dog lake forest sunset portrait castle river mountain city night rain snow light warm cold golden old new tall painting "
    "photo watercolour detailed cinematic wide angle soft sharp clouds mist bridge tower street garden flowers"
)
COMMON = COMMON_WORDS.split()
SYLLABLES = [first + second for first in "bcdfghjklmnprstvwxyz" for second in "aeiou"]
CHINESE = (
    "一只猫 坐在屋顶上 夕阳 山水 水彩画 古风少女 最高质量 杰作 细节丰富 城市夜景 "
    "雪山 樱花 湖边小屋 赛博朋克 光影 电影感 森林 竹林 龙 凤凰"
)
PHRASES = CHINESE.split()
RARE, RARE_EVERY = "zeppelin", 50_000
SEARCHES: dict[str, tuple[str, ...]] = {
    "a frequent word": ("lake",),
    "two frequent words": ("lake", "cat"),
    "a word of 1 in 100": ("harbour",),
    "two of 1 in 100": ("harbour", "orchid"),
    "a part of a word of 1 in 100": ("arbou",),
    "two frequent that never meet": ("lighthouse", "submarine"),
    "a rare word": (RARE,),
    "a word of none": ("no-such-word",),
    "one character": ("q",),
    "two characters": ("xa",),
    "Chinese: one character": ("龙",),
    "Chinese: two": ("雪山",),
    "Chinese: four": ("城市夜景",),
    "Chinese: two phrases": ("古风少女", "竹林"),
    "Chinese: none": ("没有这个词",),
}
"""Subject of a search → its words."""


def add_tasks(sample: dict[str, Any], number: int, seed: int) -> None:
    """Add ended tasks like the sample with prompts of their own, in the order of their times. Run it with `Repository.write`."""
    chance = random.Random(seed)
    rare_words = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 5))) for _ in range(20_000)]
    frequencies = [1 / (place + 3) for place in range(len(rare_words))]
    columns = {name: sample[name] for name in sample if name not in ("images", "parameters", "downloads", "tags")}
    began = sample["queued_at"] - YEARS_MS
    for part in chunked(range(number), 5_000):
        rows = []
        rare = iter(chance.choices(rare_words, frequencies, k=8 * len(part)))
        for position in part:
            values = {
                **encoded(columns),
                "id": position + 1,
                "task_id": f"{position:032x}",
                "words": _prompt(position, chance, [next(rare) for _ in range(8)]),
                "status": chance.choices(("finished", "failed", "stopped"), (92, 5, 3))[0],
                "rank": position + 1,
                "queued_at": began + YEARS_MS * position // number,
            }
            rows.append(values)
        _insert(TaskRow, rows)
        _insert(ParametersRow, [{"task_id": values["id"], "parameters": "{}", "downloads": "[]"} for values in rows])
    daily_counts.recount()


def _prompt(position: int, chance: random.Random, rare: list[str]) -> str:
    if position % 4 == 3:
        words = [
            *chance.choices(PHRASES, k=6),
            chr(19968 + chance.randrange(3000)) + chr(19968 + chance.randrange(3000)),
        ]
        return "，".join(words)
    words = [*chance.choices(COMMON, k=12), *rare]
    if chance.random() < 0.2:
        words.append("lighthouse" if position % 2 else "submarine")
    words += [word for word in ("harbour", "orchid") if chance.random() < 0.0133]
    if position % RARE_EVERY == RARE_EVERY // 2:
        words.append(RARE)
    chance.shuffle(words)
    return ", ".join(words)


def _insert(model: Any, rows: list[dict[str, Any]]) -> None:
    names = ", ".join(f'"{name}"' for name in rows[0])
    sql = f'INSERT INTO "{model._meta.table_name}" ({names}) VALUES ({", ".join([database.param] * len(rows[0]))})'
    database.cursor().executemany(sql, [tuple(values.values()) for values in rows])
