"""A larger and harder evaluation set, generated from the evaluation audio."""
