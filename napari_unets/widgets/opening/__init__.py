"""The Open widget."""
