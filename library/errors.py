"""Errors: bad input, numerics that cannot go on, and a request to stop (exit codes 2, 3 and 4)."""


class InputError(ValueError):
    """Input that cannot be used; names file, key, value and remedy.

    Raised on every rank alike; the command line prints it and exits with code 2.
    """

    def __init__(
        self,
        message: str,
        *,
        file: object = None,
        key: str | None = None,
        value: object = None,
        remedy: str | None = None,
    ) -> None:
        self.message = message
        self.file = None if file is None else str(file)
        self.key = key
        self.value = value
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        text = ": ".join([*([self.file] if self.file else []), self._finding()])
        return f"{text}. {self.remedy}" if self.remedy else text

    def _finding(self) -> str:
        """Return what is wrong with which key and value, without file and remedy."""
        subject = self.key or ""
        if self.value is not None:
            subject = f"{subject} = {self.value!r}" if subject else repr(self.value)
        return f"{subject}: {self.message}" if subject else self.message

    def reported_at(self, *, file: object, key: str, value: object = None, found_in: str | None = None) -> "InputError":
        """Return the same finding as a fault of the key that named the file it was found in; nothing of it is lost."""
        message = ": ".join([*([found_in] if found_in else []), self._finding()])
        return InputError(message, file=file, key=key, value=value, remedy=self.remedy)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep all parts when the error travels from one rank to another."""
        return (_rebuild, (self.message, self.file, self.key, self.value, self.remedy))


def _rebuild(message: str, file: object, key: str | None, value: object, remedy: str | None) -> InputError:
    return InputError(message, file=file, key=key, value=value, remedy=remedy)


class NumericalFailure(RuntimeError):
    """The solver could not go on; the last good state has been kept. Exit code 3."""


class Interrupted(RuntimeError):
    """Somebody asked to stop within a time step; the last good state has been kept. Exit code 4."""
