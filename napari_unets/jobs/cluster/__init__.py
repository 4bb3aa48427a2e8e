"""The blocks of a volume on several processes or machines."""
