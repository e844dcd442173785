"""Who liked what, and what the things are: tables of ratings and of items, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert.apps import columns
from litebert.data.rows import opened
from litebert.errors import DataError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
LIKED = 4.0
"""The rating from which a thing counts as liked, where ratings go to 5."""
ENOUGH = 5
"""People who must have liked a thing for `together` and `factors` to know of it."""
_USER = ("userid", "user", "user_id", "person", "customer", "用户")
_ITEM = ("movieid", "itemid", "item", "item_id", "id", "movie_id", "product", "编号")
_RATING = ("rating", "score", "stars", "value", "评分")
_TIME = ("timestamp", "time", "date", "时间")
_TITLE = ("title", "name", "标题", "名称")
_ABOUT = ("genres", "text", "description", "tags", "about", "内容")


@dataclass(frozen=True, eq=False)
class Likes:
    """Who liked what, in the order of time: rows and columns of numbers from 0."""

    users: tuple[str, ...]
    items: tuple[str, ...]
    user: Ints
    item: Ints

    def matrix(self, chosen: Ints) -> Floats:
        """[users, chosen]: 1 where somebody liked one of the chosen items."""
        place = np.full(len(self.items), -1)
        place[chosen] = np.arange(len(chosen))
        held = place[self.item] >= 0
        whole = np.zeros((len(self.users), len(chosen)), np.float32)
        whole[self.user[held], place[self.item[held]]] = 1
        return whole

    @cached_property
    def counts(self) -> Ints:
        """How many liked each item."""
        return np.bincount(self.item, minlength=len(self.items))

    @property
    def known(self) -> Ints:
        """The items that enough people liked."""
        return np.flatnonzero(self.counts >= ENOUGH)


def read_likes(ratings: str, *, liked: float = LIKED) -> Likes:
    """The likes of a table of ratings: who, what, how much and, if it says so, when.

    Without a column of ratings every row is a like. Raises `DataError`.
    """
    found: list[tuple[float, str, str]] = []
    with opened(ratings, known=columns.known(_USER, _ITEM, _RATING, _TIME)) as table:
        for line, cells in table.rows:
            user, item = columns.text(cells, _USER), columns.text(cells, _ITEM)
            if not (user and item):
                raise DataError(_lacking("a user and an item", cells), path=ratings, line=line)
            rating, time = columns.cell(cells, _RATING), columns.cell(cells, _TIME)
            try:
                if rating is None or float(rating) >= liked:
                    found.append((float(time or 0), user, item))
            except (ValueError, TypeError):
                told = f"rating and time must be numbers, but are {rating!r} and {time!r}"
                raise DataError(told, path=ratings, line=line) from None
    if not found:
        raise DataError(f"nobody rated anything {liked:g} or more", path=ratings)
    found.sort(key=lambda one: one[0])
    users = {user: n for n, user in enumerate(dict.fromkeys(user for _, user, _ in found))}
    items = {item: n for n, item in enumerate(dict.fromkeys(item for _, _, item in found))}
    return Likes(
        tuple(users),
        tuple(items),
        np.array([users[user] for _, user, _ in found], np.int64),
        np.array([items[item] for _, _, item in found], np.int64),
    )


def read_items(path: str) -> dict[str, tuple[str, str]]:
    """Of each item its title and what it is about. Raises `DataError`."""
    found: dict[str, tuple[str, str]] = {}
    with opened(path, known=columns.known(_ITEM, _TITLE, _ABOUT)) as table:
        for line, cells in table.rows:
            id, title = columns.text(cells, _ITEM), columns.text(cells, _TITLE)
            if not (id and title):
                raise DataError(_lacking("an id and a title", cells), path=path, line=line)
            found[id] = (title, columns.text(cells, _ABOUT).replace("|", " "))
    return found


def _lacking(what: str, cells: Mapping[str, Any]) -> str:
    return f"expected columns for {what}; there are {', '.join(map(repr, cells))}"
