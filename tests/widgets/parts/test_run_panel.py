"""The panel with Run and Stop: what its bar and its text say."""

from qtpy.QtWidgets import QWidget

from napari_unets.widgets.parts.run_panel import RunPanel


class Repaints(QWidget):
    """Counts how often it is drawn."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def paintEvent(self, event):  # noqa: N802 - Qt's name
        self.count += 1
        super().paintEvent(event)


def test_the_bar_counts_what_is_half_done_too(qtbot):
    panel = RunPanel("Run", "inputs")
    qtbot.addWidget(panel)
    panel.start("Reading …")
    assert panel.bar.value() == panel.bar.minimum() == 0
    panel.progress(1, 4, 30.0, part=0.5)
    assert panel.message.text() == "1 of 4 inputs · about 30 s left"
    assert panel.bar.value() / panel.bar.maximum() == 0.375
    panel.progress(4, 4, 0.0)
    assert panel.bar.value() == panel.bar.maximum()
    assert panel.message.text() == "4 of 4 inputs"
    panel.progress(0, 0, None)
    assert panel.bar.value() == 0


def test_what_is_done_after_waiting_is_said(qtbot):
    panel = RunPanel("Run", "inputs")
    qtbot.addWidget(panel)
    panel.start("Reading …")
    panel.wait("Waiting until a batch is over …")
    assert panel.message.text() == "Waiting until a batch is over …"
    panel.wait("")
    assert panel.message.text() == "Reading …"


def test_a_stop_that_was_asked_for_goes_on_being_said(qtbot):
    panel = RunPanel("Run", "inputs")
    qtbot.addWidget(panel)
    panel.start("Reading …")
    panel.stopping()
    panel.progress(1, 4, 30.0)
    panel.wait("Waiting until a batch is over …")
    panel.say("Looking …")
    assert panel.message.text() == "Stopping …"
    assert panel.bar.value() / panel.bar.maximum() == 0.25
    panel.finish("Stopped.")
    panel.start("Reading …")
    panel.progress(1, 4, None)
    assert panel.message.text() == "1 of 4 inputs"


def test_progress_does_not_draw_the_window_at_once(qtbot):
    window = Repaints()
    panel = RunPanel("Run", "inputs", window)
    qtbot.addWidget(window)
    panel.start("Reading …")
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: window.count > 0)
    qtbot.wait(50)
    before = window.count
    qtbot.wait(300)
    panel.progress(0, 5, None)
    panel.progress(0, 5, None)
    qtbot.wait(100)
    assert window.count <= before + 1  # nothing moves as long as nothing is known
    before = window.count
    for done in range(1, 5):
        panel.progress(done, 5, None)
    assert window.count == before  # nothing was drawn before control went back to Qt
    qtbot.waitUntil(lambda: window.count > before)
