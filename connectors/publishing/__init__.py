"""Publishing: what the schedulers show goes onto the event bus. Here may not be a scheduler or a bus of its own."""
