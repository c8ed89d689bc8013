"""Chinese characters that sound alike: 在 for 再. Sounds are pypinyin's, by the words of the sentence."""

from collections.abc import Mapping
from functools import cache
from typing import ClassVar, Literal

from corpora.errors import UsageError
from pretrain.finetuning.attacks.attack import Attack, Finder, Place, Resources

FIRST_LEVEL = range(0xB0, 0xD8)  # of GB2312, first byte: the 3,755 common characters, sorted by sound


class SameSound(Attack):
    """Characters of the same sound and tone (同音字), as typing by pinyin confuses them."""

    unit: ClassVar[str] = "character"

    attack: Literal["same_sound"] = "same_sound"
    """Chinese characters that sound alike; needs the package pypinyin."""

    def finder(self, resources: Resources) -> Finder:
        """Places are characters that share their sound with a common one."""
        try:
            import pypinyin  # noqa: F401
        except ImportError as error:
            raise UsageError(
                "attacks: same_sound needs sounds, and pypinyin is not installed here: "
                "pip install 'maskwright[attacks]', or take similar_shape"
            ) from error
        return _places


def _places(text: str) -> list[Place]:
    """Each character that has others of its sound, as it is read in this text."""
    found = []
    for position, (letter, sound) in enumerate(zip(text, _sounds(text), strict=True)):
        if others := tuple(other for other in _alike().get(sound, ()) if other != letter):
            found.append(Place(position, position + 1, others))
    return found


def _sounds(text: str) -> list[str]:
    """The sound of each character with its tone, as in `zai4`; what has none stands for itself."""
    from pypinyin import Style, pinyin

    read = pinyin(text, style=Style.TONE3, errors=list)  # type: ignore[arg-type]
    return [each[0] for each in read]


@cache
def _alike() -> Mapping[str, str]:
    """Sound -> the common characters whose most usual sound it is."""
    from pypinyin import Style, pinyin

    alike: dict[str, str] = {}
    for first in FIRST_LEVEL:
        for second in range(0xA1, 0xFF):
            letter = bytes([first, second]).decode("gb2312", "ignore")
            if letter:
                sound = pinyin(letter, style=Style.TONE3)[0][0]
                alike[sound] = alike.get(sound, "") + letter
    return alike
