"""Text to specs, pure: load, complete, check, bind. Nothing here runs a job or talks to a workspace.

document = complete(apply(load(path), sets), name=name)
spec = parse(document)
"""

from aml.spec.binding import bind
from aml.spec.document import Document
from aml.spec.kinds import kind_of
from aml.spec.load import load, loads
from aml.spec.overrides import apply, complete
from aml.spec.parse import parse, problems
from aml.spec.stored import document_of, from_document

__all__ = [
    "Document",
    "apply",
    "bind",
    "complete",
    "document_of",
    "from_document",
    "kind_of",
    "load",
    "loads",
    "parse",
    "problems",
]
