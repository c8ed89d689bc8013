"""Values back to YAML that reads as the same values."""

import yaml

from pretrain.reading.scalars import scalar


def write(value: object, flow: bool | None = None) -> str:
    """YAML text of plain values, mappings in order; innermost lists, or with `flow` all, in one line."""
    text = yaml.dump(
        value,
        Dumper=_Writer,
        sort_keys=False,
        allow_unicode=True,
        width=10**6 if flow else 110,
        default_flow_style=flow,
    )
    return text.removesuffix("...\n")  # the mark that ends a document of one bare word


class _Writer(yaml.SafeDumper):
    """PyYAML's safe writer with our reading of plain words, and without aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Quotes where the bare word would not be read as text (PyYAML thinks that `1e-4` is)."""
    style = None if _is_plain(text) else "|" if text.strip().count("\n") else '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_plain(text: str) -> bool:
    try:
        return scalar(text) == text and text.isprintable()
    except ValueError:
        return False


_Writer.add_representer(str, _text)
