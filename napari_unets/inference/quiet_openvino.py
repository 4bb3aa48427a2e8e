"""OpenVINO without its telemetry.

Its import alone reports to a web service, unasked, and makes a folder ``intel`` in the user's home; without the package
that does so it goes on as well. Who uses OpenVINO by other ways in the same process finds it as it was imported first.
"""

from __future__ import annotations

import sys

if "openvino" not in sys.modules:
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # that is: cannot be imported

import openvino

__all__ = ["openvino"]
