"""What the worker does for the widgets: segment, score, suggest, learn."""
