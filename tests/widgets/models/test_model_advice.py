"""The list of models says when to choose a model's network."""

from __future__ import annotations

from qtpy.QtCore import Qt

from napari_unets.models import ModelStore
from napari_unets.models.advice import NETWORK_ADVICE
from napari_unets.widgets.parts.model_choice import ModelChoice


def test_tool_tips_say_when_to_choose_the_network(qtbot, tmp_path) -> None:
    choice = ModelChoice(ModelStore())
    qtbot.addWidget(choice)
    tip = choice.box.itemData(choice.box.findData("em-membranes"), Qt.ItemDataRole.ToolTipRole)
    assert tip.startswith("em-membranes: ")
    assert tip.endswith(f"sf-net: {NETWORK_ADVICE['sf-net']}")
