"""Case files and what is done with them: quantities, material cards, runs, studies, the command line."""
