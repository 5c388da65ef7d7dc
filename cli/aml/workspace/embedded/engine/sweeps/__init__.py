"""Sweeps: pure planning (what to draw, whom to stop, when it is over) and the one object that applies it to the store.

Nothing but the store holds state: a plan is made from the spec, the trials there are and what they reported.
"""
