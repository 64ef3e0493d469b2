"""Measures the running server from outside, over HTTP, and writes what it finds as markdown."""
