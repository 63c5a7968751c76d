"""The process of a command: its end on all ranks, signals, and the launcher that started it."""
