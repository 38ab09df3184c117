from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

class IAsyncResult(Generic[T]):
    value: T
    @property
    def exception(self) -> BaseException | None: ...
    def rawlink(self, callback: Callable[[IAsyncResult[T]], None]) -> None: ...
