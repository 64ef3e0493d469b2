"""The package of the installed wheel, which holds all modules of the repository in this folder."""

__version__ = "0.2.0"
