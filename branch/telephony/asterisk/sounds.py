"""The sounds that a site's callers hear: which there must be, which are there, first ones by machine.

Distributions bring Asterisk's own sounds in English at best; a flow's prompts are the
site's own. A sound that is missing is skipped in silence, so whoever runs a site has to
know.
"""

import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from branch.telephony.asterisk.names import PROMPTS
from branch.telephony.driver.prompts import FORWARDED_CALL, NO_MESSAGES, RECORDING_NOTICE
from node.troubles import TroubleError
from node.words import text as _

_VOICES = {"en": "en-us", "zh_CN": "cmn"}
"""espeak-ng's, by Asterisk's language."""
_WORDS_A_MINUTE = 150
_RATE_HZ = 8_000
_NOTICE = f"{PROMPTS}/{RECORDING_NOTICE}"
_FORWARDED = f"{PROMPTS}/{FORWARDED_CALL}"
_NO_MESSAGES = f"{PROMPTS}/{NO_MESSAGES}"

TEXTS: Mapping[str, Mapping[str, str]] = {
    _NOTICE: {"en": "This call will be recorded.", "zh_CN": "为保证服务质量,本次通话将被录音。"},
    _FORWARDED: {
        "en": "You have a call from the call center. Press 1 to take it.",
        "zh_CN": "呼叫中心有您的来电,接听请按1。",
    },
    _NO_MESSAGES: {"en": "There are no new messages.", "zh_CN": "没有新的留言。"},
    "queue-youarenext": {"en": "You are now first in line.", "zh_CN": "您是队列中的第一位。"},
    "queue-thereare": {"en": "There are currently", "zh_CN": "您前面还有"},
    "queue-callswaiting": {"en": "callers waiting before you.", "zh_CN": "位来电者在等待。"},
    "queue-holdtime": {"en": "The estimated hold time is", "zh_CN": "预计等待时间为"},
    "queue-less-than": {"en": "less than", "zh_CN": "不到"},
    "queue-minutes": {"en": "minutes.", "zh_CN": "分钟。"},
    "tt-allbusy": {
        "en": "All our agents are busy. Please stay on the line.",
        "zh_CN": "座席全忙,请不要挂机。",
    },
    "vm-intro": {"en": "Please leave a message after the tone.", "zh_CN": "请在提示音后留言。"},
    "vm-goodbye": {"en": "Goodbye.", "zh_CN": "再见。"},
    **{
        f"digits/{number}": {"en": number, "zh_CN": spoken}
        for number, spoken in zip(
            ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "hundred", "thousand"),
            "零一二三四五六七八九十百千",
            strict=True,
        )
    },
}
"""What is said by Trunkline itself and by the dialplan, by the sound's name and Asterisk's language."""


class NoSpeechError(TroubleError):
    """There is nothing on this machine that speaks."""

    reason = "NO_SPEECH"

    def __init__(self, program: str) -> None:
        super().__init__(
            _(
                "{program} is not on the PATH; install espeak-ng and sox, or record the sounds yourself",
                program=program,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    language: str
    name: str
    """Below the language's folder, without what says the format."""
    text: str | None
    """None for a prompt of the site's flow, whose words only the site knows."""
    is_there: bool


def sounds_of(config: Path, languages: Iterable[str], prompts: Iterable[str]) -> Sequence[Sound]:
    """Every sound that the site needs; `prompts` are those that its flow names."""
    needed = [*TEXTS, *(f"{PROMPTS}/{prompt}" for prompt in sorted(set(prompts)))]
    return [
        Sound(
            language=language,
            name=name,
            text=TEXTS[name][language] if name in TEXTS else None,
            is_there=_is_there(_folder(config, language) / name),
        )
        for language in languages
        for name in dict.fromkeys(needed)
    ]


def speak(config: Path, sound: Sound) -> None:
    """Make the sound with espeak-ng, as a WAV file of 8 kHz.

    Raises:
        NoSpeechError: espeak-ng or sox is not installed.
        subprocess.CalledProcessError: one of them failed; its words are in it.
        OSError: the folder cannot be written.
    """
    assert sound.text is not None
    file = _folder(config, sound.language) / f"{sound.name}.wav"
    file.parent.mkdir(parents=True, exist_ok=True)
    voice = _VOICES[sound.language]
    spoken = subprocess.run(
        [_program("espeak-ng"), "-v", voice, "-s", str(_WORDS_A_MINUTE), "--stdout", "--", sound.text],
        check=True,
        capture_output=True,
    )
    fitted = ["-t", "wav", "-", "-r", str(_RATE_HZ), "-c", "1", "-b", "16", "-t", "wav", str(file)]
    # Standard input is no regular file, so the length in its header means nothing.
    subprocess.run(
        [_program("sox"), "-G", "--ignore-length", *fitted],
        input=spoken.stdout,
        check=True,
        capture_output=True,
    )


def _folder(config: Path, language: str) -> Path:
    return config / "data" / "sounds" / language


def _is_there(sound: Path) -> bool:
    return any(file.stem == sound.name for file in sound.parent.glob(f"{sound.name}.*"))


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NoSpeechError(name)
    return found
