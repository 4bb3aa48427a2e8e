"""The Annotate & fine-tune widget."""
