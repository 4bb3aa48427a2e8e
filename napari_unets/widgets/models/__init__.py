"""The Models widget."""
