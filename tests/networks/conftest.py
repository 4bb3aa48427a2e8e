from __future__ import annotations

import pytest

# The shared tests are not in a file named like a test: without this a failing assert would not show its values.
pytest.register_assert_rewrite("tests.networks.shared")
