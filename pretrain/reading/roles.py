"""What each stage reads: an earlier stage by its name, or the folder of a finished artefact."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from corpora.stage import Reads, roles_of
from pretrain.reading.declared import Declared
from pretrain.reading.problems import Problem, suggestion

Role = str | Path
"""An earlier stage's name (str), or a finished artefact's folder (Path)."""


def resolve(
    stages: Mapping[str, Declared], unclear: Set[str], problems: list[Problem]
) -> dict[str, dict[str, Role]]:
    """The source of every role of every stage; roles that are optional and have no source are left out.

    `unclear` are the names of stages that could not be declared: what they would make is not missed.
    """
    found: dict[str, dict[str, Role]] = {}
    for name, stage in stages.items():
        made = {one: stages[one].settings.makes for one in found}
        search = _Search(name, stages, made, unclear, problems)
        sources = {role: search.source(role, mark) for role, mark in roles_of(stage.settings).items()}
        found[name] = {role: source for role, source in sources.items() if source is not None}
    return found


@dataclass(frozen=True)
class _Search:
    """Sources for the roles of the stage `name`."""

    name: str
    stages: Mapping[str, Declared]
    made: Mapping[str, str]  # earlier stage -> what it makes
    unclear: Set[str]
    problems: list[Problem]

    def source(self, role: str, mark: Reads) -> Role | None:
        """The source that is named, or the one earlier stage that makes it."""
        stage = self.stages[self.name].node
        written = stage.child(role)
        if written is None or written.value is None:
            other = stage.child(mark.instead)
            if other is not None and other.value is not None:
                return None
            place, (source, message) = stage.spot(), self._maker(mark)
        elif isinstance(written.value, str):
            place, (source, message) = written.place, self._named(written.value, mark)
        else:
            return None  # another form of the field, such as a fork, or of a type that is told elsewhere
        if message:
            self.problems.append(Problem(place, ("stages", self.name, role), message))
        return source

    def _maker(self, mark: Reads) -> tuple[Role | None, str]:
        """(source, what is wrong) of a role that is left out."""
        if mark.kind == self.stages[self.name].settings.makes and not mark.required:
            return None, ""  # going on from a stage of one's own kind is a decision, never inferred
        makers = [name for name, kind in self.made.items() if kind == mark.kind]
        if len(makers) > 1:
            return None, f"has to be named: {' and '.join(makers)} make {mark.kind}"
        if makers or self.unclear or not mark.required:
            return (makers[0] if makers else None), ""
        other = f", or say `{mark.instead}`" if mark.instead else ""
        told = f"no earlier stage makes {mark.kind}; add one, or give the folder of a finished one"
        return None, told + other

    def _named(self, written: str, mark: Reads) -> tuple[Role | None, str]:
        """(source, what is wrong) of a role that is written."""
        if written in self.made:
            made = self.made[written]
            return written, "" if made == mark.kind else f"'{written}' makes {made}, wanted {mark.kind}"
        if written in self.unclear:
            return None, ""
        if written in self.stages:
            return None, f"'{written}' is not earlier than '{self.name}'"
        if Path(written).is_dir():
            return Path(written), ""
        fitting = [name for name, kind in self.made.items() if kind == mark.kind]
        close = suggestion(written, fitting) if fitting else f"; no earlier stage makes {mark.kind}"
        return None, f"'{written}' is neither an earlier stage nor a folder{close}"
