"""Annotations → batches → a better model."""
