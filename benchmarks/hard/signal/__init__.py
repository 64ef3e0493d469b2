"""Levels, pauses, rooms and changed voices: what is done to samples. Pure."""
