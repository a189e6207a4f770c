"""``tidegate import``: an accounting becomes input of a replay, and a person is told what is in it."""
