"""What was typed and can't be meant, as people are told. Pure."""

from __future__ import annotations


class Mistake(Exception):
    """What was typed into a form can't be meant; `hint`: what to type instead."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
