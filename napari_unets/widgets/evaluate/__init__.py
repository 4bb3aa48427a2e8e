"""The Evaluate widget."""
