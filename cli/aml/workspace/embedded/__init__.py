"""The workspace that is a folder on this machine, with an engine that runs when there is something to run."""
