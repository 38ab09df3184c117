"""What is wrong with a declaration, told while the author's module is imported."""


class DeclarationError(Exception):
    """A package or feature is declared in a way that can't work; the sentence says what to write."""
