"""Plugins: what other distributions offer by entry points, chosen by name, checked before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeGuard, TypeVar

from hotplate.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.metadata import EntryPoint

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PluginKind(Generic[T]):
    """One kind of thing that other distributions may offer: executors, or lifecycles."""

    what: str
    """What one is called in messages."""
    group: str
    """The entry-point group: names, and factories without arguments."""
    api_version: int
    """The version of the interface that one is written against: the attribute `api_version` of its class."""
    fits: Callable[[object], TypeGuard[T]]
    needs: tuple[str, ...]
    """The attributes that one has. The `name` is text."""

    def make(self, name: str, built_in: Sequence[str] = ()) -> T:
        """The one of that name. Nothing else is imported.

        Raises SettingError, which names it and its distribution, when there is none, when there are several, when it
        can't be imported or made, and when it is of another kind or of another version. `built_in` are names for that.
        """
        from importlib.metadata import entry_points  # 30 ms, only for those that come from elsewhere

        offers = tuple(entry_points(group=self.group, name=name))
        if len(offers) == 1:
            return self._made(offers[0])
        if offers:
            several = " and ".join(sorted(_origin(offer) for offer in offers))
            raise SettingError(f"there are several {self.what}s {name}, of {several}; uninstall all but one")
        names = [*built_in, *sorted({offer.name for offer in entry_points(group=self.group)})]
        known = f"there are {', '.join(names)}" if names else "none is installed"
        raise SettingError(f"there is no {self.what} {name}; {known}")

    def checked(self, thing: object) -> T:
        """An object that somebody made, if it is one. Raises SettingError."""
        if isinstance(thing, type):
            raise SettingError(f"{thing.__name__} is a class; give an object of it: {thing.__name__}()")
        if not self.fits(thing):
            raise SettingError(f"{thing!r} is no {self.what}: {self._lack(thing)}")
        if hasattr(thing, "api_version"):
            self._check_version(thing, f"the {self.what} {type(thing).__name__}", "")
        return thing

    def _made(self, offer: EntryPoint) -> T:
        who = f"the {self.what} {offer.name} of {_origin(offer)}"
        package = offer.dist.name if offer.dist is not None else ""
        factory: Any = _called(offer.load, who)
        versioned = hasattr(factory, "api_version")
        if versioned:  # before any other code of it runs
            self._check_version(factory, who, package)
        made = _called(factory, who)
        if isinstance(made, type) or not self.fits(made):
            raise SettingError(f"{who} can't be used: {self._lack(made)}")
        if not versioned:
            self._check_version(made, who, package)
        return made

    def _lack(self, thing: object) -> str:
        """What keeps something from being one."""
        is_class = isinstance(thing, type)  # what it has is for its objects
        missing = [f"`{name}`" for name in self.needs if is_class or not hasattr(thing, name)]
        if not missing:
            return f"the `name` of {type(thing).__name__} is no text"
        return f"{type(thing).__name__} has no {' and '.join(filter(None, (', '.join(missing[:-1]), missing[-1])))}"

    def _check_version(self, thing: object, who: str, package: str) -> None:
        wanted, offered = self.api_version, getattr(thing, "api_version", None)
        if type(offered) is int and offered == wanted:
            return
        if type(offered) is not int:
            remedy = f"its class needs the attribute api_version, which is {wanted} for this hotplate"
        elif offered < wanted:
            remedy = f"update {package or 'its package'}"
        else:
            remedy = f"update hotplate, or install an older {package or 'version of its package'}"
        said = "none" if offered is None else repr(offered)
        raise SettingError(f"{who} can't be used: wanted API version {wanted}, offered {said}; {remedy}")


def _called(call: Callable[[], object], who: str) -> object:
    try:
        return call()
    except (Exception, SystemExit) as error:
        raise SettingError(f"{who} can't be used: {type(error).__name__}: {error}") from error


def _origin(offer: EntryPoint) -> str:
    """The distribution with its version, and where in it the factory is."""
    return f"{offer.dist.name} {offer.dist.version} ({offer.value})" if offer.dist is not None else offer.value
