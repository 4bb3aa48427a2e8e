"""A random forest on multiscale features of each pixel: what ilastik's and convpaint's users do."""

from __future__ import annotations

import time

import numpy as np
from skimage.feature import multiscale_basic_features
from sklearn.ensemble import RandomForestClassifier

from napari_unets.images import Stack

__all__ = ["forest"]


def _features(plane: np.ndarray) -> np.ndarray:
    return multiscale_basic_features(plane, intensity=True, edges=True, texture=True, sigma_min=1, sigma_max=16)


def forest(stack: Stack, annotations: dict[int, np.ndarray], test: list[int]) -> tuple[np.ndarray, float]:
    """Train on strokes and predict other planes.

    Returns
    -------
    probabilities : ndarray of float32, shape (planes, y, x)
        Of class 1.
    seconds : float
        All that the user waits for.
    """
    start = time.monotonic()
    x, y = [], []
    for number, painted in annotations.items():
        x.append(_features(stack.plane(number))[painted > 0])
        y.append(painted[painted > 0])
    trees = RandomForestClassifier(n_estimators=100, min_samples_leaf=5, n_jobs=-1, random_state=0)
    trees.fit(np.concatenate(x), np.concatenate(y))
    column = list(trees.classes_).index(1)
    result = []
    for number in test:
        features = _features(stack.plane(number))
        p = trees.predict_proba(features.reshape(-1, features.shape[-1]))[:, column]
        result.append(p.reshape(features.shape[:2]).astype(np.float32))
    return np.stack(result), time.monotonic() - start
