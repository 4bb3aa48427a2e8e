"""The worker process: jobs go in, events come out, and whatever happens in it, this process lives."""
