"""Measures the running server over HTTP and writes the results as markdown."""
