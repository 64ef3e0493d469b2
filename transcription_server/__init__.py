"""The package of the installed wheel, which holds all modules of the repository in this folder."""
