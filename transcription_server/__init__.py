"""What an installed wheel is imported as: there, all the modules of the repository lie in this folder."""

__version__ = "0.2.0"
