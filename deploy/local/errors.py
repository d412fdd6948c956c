"""The error that the local stack shows to an operator."""


class StackError(RuntimeError):
    """Something outside our code is missing or broken; the message is one line for the terminal."""
