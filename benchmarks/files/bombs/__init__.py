"""Small files that cost much memory, time or disk; each is made by a function without arguments."""
