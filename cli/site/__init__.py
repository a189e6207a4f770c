"""A site file: how Tidegate reaches the schedulers and the bus of one site."""
