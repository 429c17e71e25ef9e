"""Neighbours and counts: brute force and trees give the same numbers."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from mistcli.numerics import brute, neighbours


def rows(kind, n, d, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, d))
    return {
        "normal": z,
        "heavy": z**9,
        "far": z + 1e9,
        "tiny": z * 1e-200,
        "rounded": np.round(z, 1),
        "binary": np.sign(z),
        "constant": np.zeros_like(z),
    }[kind]


KINDS = ["normal", "heavy", "far", "tiny", "rounded", "binary", "constant"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "d"), [(7, 1), (700, 3), (1500, 12)])
@pytest.mark.parametrize("workers", [1, 2])
def test_brute_force_finds_what_a_tree_finds(kind, n, d, workers, monkeypatch):
    monkeypatch.setattr(brute, "CHUNK", 10_000)
    reference, points = rows(kind, n, d), rows(kind, 50, d, seed=1)
    for at in (reference, points):
        distances, places = brute.nearest_brute(reference, at, 6, workers=workers)
        expected = cKDTree(reference).query(at, k=6, p=np.inf)[0]
        np.testing.assert_array_equal(distances, expected)
        np.testing.assert_array_equal(np.abs(at[:, None] - reference[places]).max(-1), distances)
        assert all(len(set(line)) == 6 for line in places)
        for reach in (distances[:, -1], distances[:, -1] * (1 - 1e-12), np.zeros(len(at))):
            found = brute.count_brute(reference, at, reach, workers=workers)
            near = np.abs(at[:, None] - reference).max(-1) <= reach[:, None]
            np.testing.assert_array_equal(found, near.sum(1))


@pytest.mark.parametrize("d", [1, 2, 6])
def test_the_way_does_not_change_the_result(d, monkeypatch):
    reference, points = rows("normal", 900, d), rows("normal", 300, d, seed=1)
    for at in (reference, points):
        results = []
        for limit in (0, 10_000):
            monkeypatch.setattr(neighbours, "BRUTE_ROWS", limit)
            distances, places = neighbours.nearest(reference, at, 4)
            counts = neighbours.count_within(reference, at, neighbours.within(distances[:, -1]))
            results.append((distances, places, counts))
        for by_tree, by_force in zip(*results, strict=True):
            np.testing.assert_array_equal(by_tree, by_force)


def test_there_may_be_more_columns_than_a_power_of_their_number_has_digits():
    points = np.random.default_rng(0).standard_normal((20, 2_000))
    distances, _ = neighbours.nearest(points, points, 2)
    assert (neighbours.count_within(points, points, distances[:, 1]) >= 2).all()
