"""Search of Chinese text in the documentation's site.

Chinese has no spaces between words. Sphinx's own search needs a dictionary to find them, and finds nothing without. Pairs of
neighbouring characters need none: a query matches the pages that have all of its pairs.
"""

from __future__ import annotations

import re
from itertools import pairwise

from sphinx.search.zh import SearchChinese

RUN = re.compile(r"[\u3400-\u9fff]+")


class PairSearch(SearchChinese):
    """Chinese text as pairs of characters, Latin words as they are."""

    lang = "zh"
    js_splitter_code = r"""
var splitQuery = (query) =>
  (query.match(/[\u3400-\u9fff]+|[\p{Letter}\p{Number}_]+/gu) || []).flatMap((run) =>
    /[\u3400-\u9fff]/.test(run) && run.length > 1
      ? Array.from({length: run.length - 1}, (_, at) => run.slice(at, at + 2))
      : [run]);
"""

    def split(self, input: str) -> list[str]:
        """Return the terms of a text."""
        words = self.latin1_letters.findall(input)
        self.latin_terms.update(words)
        return [*("".join(pair) for run in RUN.findall(input) for pair in pairwise(run)), *words]
