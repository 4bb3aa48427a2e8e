"""What several test files need."""

from __future__ import annotations

from napari_unets.learning.augment import AugmentSettings

__all__ = ["NO_AUGMENTATION"]

NO_AUGMENTATION = AugmentSettings(
    flip=False,
    rotate_degrees=0,
    log_scale=0,
    elastic_px=0,
    contrast=0,
    brightness=0,
    gamma=0,
    light=0,
    noise=0,
    blur_px=0,
    defects=0,
)
