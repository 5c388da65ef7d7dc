"""Our own reader of the JSON Schemas: draft-07 with messages for people."""
