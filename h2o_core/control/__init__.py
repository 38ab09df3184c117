"""What operators decide: one module a document, as they lie below `control/`."""
