"""The event bus in one file of SQLite."""
