"""What draws napari's pictures. A program of its own: with a broken driver Qt ends the whole process.

``python -m napari_unets.widgets.opengl`` prints one JSON object: ``version``, ``renderer``, ``vendor``.
"""

from __future__ import annotations

import json
import sys

__all__ = ["main"]


def main() -> int:
    """Make a context like napari's and ask it who it is; 0 if there is one."""
    from qtpy.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
    from vispy.gloo import gl

    _app = QGuiApplication(sys.argv[:1])  # must live as long as the context
    surface = QOffscreenSurface()
    surface.create()
    context = QOpenGLContext()
    if not context.create() or not context.makeCurrent(surface):
        sys.stderr.write("Qt could not make an OpenGL context\n")
        return 1
    names = {"version": gl.GL_VERSION, "renderer": gl.GL_RENDERER, "vendor": gl.GL_VENDOR}
    found = {name: gl.glGetParameter(constant) for name, constant in names.items()}
    context.doneCurrent()
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
