"""Ranks: failures that all of them share, where they meet, locks of files, and compiled forms."""
