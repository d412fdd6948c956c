"""The one error the local stack shows to a person: a single line that says what to do."""


class StackError(RuntimeError):
    """Something outside our code is missing or broken; the message is one line for the terminal."""
