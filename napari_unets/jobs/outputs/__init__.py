"""What is made of an image: its settings, its name, and whether what is there still matches."""
