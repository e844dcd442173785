"""Recommending: the closed form, what is proposed, and how it is judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import litebert
from litebert.apps import recommend
from litebert.apps.likes import Likes, read_items, read_likes
from litebert.apps.recommend import Recommender, judge
from litebert.cli import main
from litebert.errors import DataError, UsageError

TEA = ["tea", "kettle", "cup"]
TOYS = ["kite", "ball", "rope"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Thirty people, half of whom like one kind of thing and half another; and what the things are."""
    folder, draw = tmp_path_factory.mktemp("shop"), np.random.default_rng(0)
    rows = [
        f"{person},{thing},{5 if good else 2},{time}"
        for person in range(30)
        for time, (thing, good) in enumerate(
            [(one, True) for one in draw.permutation(TEA if person % 2 else TOYS)] + [("dud", False)]
        )
    ]
    (folder / "ratings.csv").write_text(
        "userId,itemId,rating,timestamp,,\n" + "".join(f"{r},,\n" for r in rows)
    )
    kinds = {
        **dict.fromkeys(TEA, "hot drink"),
        **dict.fromkeys(TOYS, "toy play"),
        "mug": "hot drink",
        "dud": "",
    }
    items = "".join(f"{name},The {name},{kind}\n" for name, kind in kinds.items())
    (folder / "items.csv").write_text("itemId,title,genres\n" + items)
    return folder / "ratings.csv", folder / "items.csv"


def test_likes_are_ratings_from_four_up(shop: tuple[Path, Path]) -> None:
    likes = read_likes(str(shop[0]))
    assert len(likes.users) == 30 and set(likes.items) == {*TEA, *TOYS} and len(likes.user) == 90
    assert set(read_likes(str(shop[0]), liked=1).items) == {*TEA, *TOYS, "dud"}
    with pytest.raises(DataError, match="nobody rated anything 9 or more"):
        read_likes(str(shop[0]), liked=9)


@pytest.mark.parametrize("way", ["both", "together", "factors"])
def test_what_is_liked_together_is_proposed(shop: tuple[Path, Path], way: recommend.Way) -> None:
    recommender = Recommender(read_likes(str(shop[0])), read_items(str(shop[1])))
    found = recommender.propose(["tea"], top=2, way=way)
    assert {one.id for one in found} == {"kettle", "cup"} and found[0].text.startswith("The ")
    assert {one.id for one in recommender.propose(["The Kite"], top=2, way=way)} == {"ball", "rope"}


def test_what_nobody_has_liked_yet_is_found_by_what_it_is(shop: tuple[Path, Path]) -> None:
    recommender = Recommender(read_likes(str(shop[0])), read_items(str(shop[1])))
    assert "mug" in {one.id for one in recommender.propose(["tea", "cup"], top=2, way="content")}
    order = [one.id for one in recommender.propose(TEA, top=10)]
    assert order.index("mug") < order.index("dud")


def test_the_closed_form_is_the_least_squares_without_a_diagonal() -> None:
    """Of each column: the ridge regression on the other columns."""
    draw = np.random.default_rng(1)
    user, item = np.nonzero(draw.random((60, 6)) < 0.5)
    likes = Likes(tuple(map(str, range(60))), tuple("abcdef"), user, item)
    weights, x = Recommender(likes)._ease, likes.matrix(np.arange(6)).astype(np.float64)
    for j in range(6):
        others = [k for k in range(6) if k != j]
        gram = x[:, others].T @ x[:, others] + recommend.RIDGE * np.eye(5)
        assert weights[others, j] == pytest.approx(np.linalg.solve(gram, x[:, others].T @ x[:, j]), abs=1e-5)
        assert weights[j, j] == 0


def test_all_ways_are_judged_on_the_same_last_likes(shop: tuple[Path, Path]) -> None:
    likes, items = read_likes(str(shop[0])), read_items(str(shop[1]))
    found = judge(likes, lambda left: Recommender(left, items), top=1)
    assert list(found) == ["both", "together", "content", "factors", "popular"]
    assert found["together"]["hit_rate@1"] == found["together"]["ndcg@1"] == 1.0
    assert found["popular"]["hit_rate@1"] < 0.6 and found["both"]["people"] == 30
    low, high = found["popular"]["intervals"]["hit_rate@1"]
    assert low <= found["popular"]["hit_rate@1"] <= high


def test_a_rank_is_worth_what_it_says() -> None:
    scores = np.array([[3, 2, 1], [3, 2, 1], [1, 1, 1]], np.float32)
    found = recommend._judged(scores, np.array([0, 2, 1]), 2)
    assert found["hit_rate@2"] == pytest.approx(2 / 3)
    assert found["ndcg@2"] == pytest.approx((1 + 0 + 1 / np.log2(3)) / 3)


def test_recommend_from_the_command_line(shop: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    ratings, items = map(str, shop)
    assert main(["recommend", ratings, "--items", items, "--liked", "tea", "--top", "1", "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert list(item) == ["id", "score", "text"] and item["id"] in TEA
    assert main(["recommend", ratings, "--judge", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["both"]["hit_rate@10"] == 1.0
    assert main(["recommend", ratings]) == 2
    assert main(["recommend", ratings, "--items", items, "--liked", "The Ketle"]) == 2
    assert "did you mean 'The kettle'" in capsys.readouterr().err


def test_what_lacks_a_column_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("who,rating\nA,5\n")
    with pytest.raises(DataError, match=r"r.csv:2: expected columns for a user and an item"):
        litebert.recommend(str(tmp_path / "r.csv"), liked=("x",))
    with pytest.raises(UsageError, match="say what was liked"):
        litebert.recommend(str(tmp_path / "r.csv"))


@pytest.mark.slow
def test_on_movielens_it_beats_popularity(data_folder: Path) -> None:
    folder = data_folder / "movielens_latest_small"
    likes, items = read_likes(str(folder / "ratings.csv.gz")), read_items(str(folder / "movies.csv.gz"))
    found = judge(likes, lambda left: Recommender(left, items))
    assert found["both"]["ndcg@10"] > found["factors"]["ndcg@10"] > found["popular"]["ndcg@10"]


@pytest.mark.filterwarnings("error")
def test_likes_of_a_few_people_are_few_but_no_mishap(tmp_path: Path) -> None:
    """Nothing is liked by enough people for others' likes to count."""
    path = tmp_path / "likes.csv"
    path.write_text("user,item,rating\n1,tea cup,5\n1,kite,4\n2,tea cup,5\n2,tea pot,5\n")
    likes = read_likes(str(path))
    for way in get_args(recommend.Way):
        assert {one.id for one in Recommender(likes).propose(["tea cup"], way=way)} == {"tea pot", "kite"}
    judged = judge(likes, Recommender)
    assert all(0 <= found["ndcg@10"] <= 1 for found in judged.values())
