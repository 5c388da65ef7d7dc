"""Text to specs, pure: load, complete, check, bind. Nothing here runs a job or talks to a workspace.

document = overrides.complete(overrides.apply(load.load(path), sets), name=name)
spec = parse.parse(document)
"""
