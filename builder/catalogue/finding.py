"""Finding a layer or operation by name, family, everyday words, or what its help says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from builder.catalogue.entry import Entry
from builder.catalogue.families import FAMILIES
from builder.catalogue.words import FAMILY_WORDS

_LONGEST_QUERY = 80
# Words people add that say nothing: "conv layer" is a search for "conv".
_FILLERS = frozenset({"layer", "layers", "module", "function", "torch", "nn", "the", "a", "of"})
# How good a find is, best first: what the query hit.
_EXACT, _WORD_EXACT, _PREFIX, _WORD, _FAMILY, _INSIDE, _HELP = 100, 90, 80, 60, 50, 40, 20


@dataclass(frozen=True, slots=True)
class _Indexed:
    """An entry's searchable texts, all lower case; `rank`: its place in the palette."""

    entry: Entry
    rank: int
    names: tuple[str, ...]
    phrases: tuple[str, ...]
    tokens: frozenset[str]
    family: tuple[str, ...]
    help: str


class SearchIndex:
    """Built once over all entries; a search takes about a millisecond."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._indexed = [_index(entry, rank) for rank, entry in enumerate(entries)]

    def find(self, text: str, limit: int) -> list[Entry]:
        """The best finds first; all entries in the palette's order for an empty text."""
        query = _normal(text[:_LONGEST_QUERY])
        if not query:
            return [i.entry for i in self._indexed[:limit]]
        found = self._ranked(query)
        if not found:
            found = [hit for corrected in self._corrected(query) for hit in self._ranked(corrected)]
        ordered = sorted(found, key=lambda hit: (-hit[0], hit[1].rank))
        return list({hit.entry.key: hit.entry for _, hit in ordered}.values())[:limit]

    def _ranked(self, query: str) -> list[tuple[float, _Indexed]]:
        words = query.split()
        meaning = [w for w in words if w not in _FILLERS] or words
        found = []
        for indexed in self._indexed:
            whole = max(_score(indexed, query), _score(indexed, " ".join(meaning)))
            # Every word must hit something; together they are worth their weakest hit.
            each = min(_score(indexed, word) for word in meaning) - 5 if len(meaning) > 1 else 0
            if (best := max(whole, each)) > 0:
                found.append((best, indexed))
        return found

    @cached_property
    def _near(self) -> Mapping[str, set[str]]:
        """Known words by all they become with one letter left out."""
        near: dict[str, set[str]] = {}
        for word in {t for i in self._indexed for t in (*i.tokens, *i.names, *i.family)}:
            for variant in _one_letter_less(word):
                near.setdefault(variant, set()).add(word)
        return near

    def _corrected(self, query: str) -> Iterator[str]:
        """The query with unknown words replaced by a known one that is one or two slips away."""
        words = query.split()
        for position, word in enumerate(words):
            if len(word) < 4:
                continue
            near = {known for v in _one_letter_less(word) for known in self._near.get(v, ())}
            for known in sorted(near, key=lambda k: (abs(len(k) - len(word)), k))[:4]:
                yield " ".join([*words[:position], known, *words[position + 1 :]])


def _index(entry: Entry, rank: int) -> _Indexed:
    name = entry.name.lower()
    names = tuple(dict.fromkeys((name, _normal(entry.name), _normal(_spaced(entry.name)))))
    phrases = tuple(_normal(word) for word in entry.words)
    family = (FAMILIES[entry.family].lower(), entry.family, *FAMILY_WORDS[entry.family])
    tokens = frozenset(t for phrase in (*names, *phrases) for t in phrase.split())
    return _Indexed(entry, rank, names, phrases, tokens, family, entry.help.lower())


def _score(indexed: _Indexed, query: str) -> float:
    if query in indexed.names or query in (indexed.entry.key.lower(), indexed.entry.symbol):
        return _EXACT
    if query in indexed.phrases:
        # An entry's words stand in the order of how much they mean it.
        return _WORD_EXACT - indexed.phrases.index(query) / 10
    if any(name.startswith(query) for name in indexed.names):
        return _PREFIX
    if query in indexed.tokens:
        return _WORD
    if any(phrase.startswith(query) for phrase in indexed.phrases):
        return _WORD - 1
    if any(word.startswith(query) for word in indexed.family):
        return _FAMILY
    if len(query) >= 3 and any(query in text for text in (*indexed.names, *indexed.phrases)):
        return _INSIDE
    return _HELP if len(query) >= 3 and query in indexed.help else 0


def _normal(text: str) -> str:
    return " ".join(re.sub(r"[_\-.,;:]+", " ", text.lower()).split()) or text.strip()


def _spaced(name: str) -> str:
    """ "BatchNorm2d" → "Batch Norm 2d", "MaxPool2d" → "Max Pool 2d"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[a-zA-Z])(?=\d)", " ", name)


def _one_letter_less(word: str) -> set[str]:
    """The word and all it becomes by leaving out one letter: two words that share one are near."""
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


def index_of(entries: Mapping[str, Entry]) -> SearchIndex:
    """The index over a catalogue."""
    return SearchIndex(list(entries.values()))
