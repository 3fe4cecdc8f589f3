"""The sounds that callers need: listed, told when they are missing, and spoken by machine for a start."""

import wave
from array import array
from pathlib import Path

import pytest

from branch.telephony.asterisk.sounds import TEXTS, NoSpeechError, Sound, sounds_of, speak

NOTICE = "trunkline/recording-notice"


def the(found: list[Sound], name: str) -> Sound:
    [sound] = [each for each in found if each.name == name]
    return sound


def test_a_sound_is_there_in_whatever_format(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "sounds" / "en" / "digits"
    folder.mkdir(parents=True)
    (folder / "1.gsm").touch()
    (folder / "10.wav").touch()

    found = list(sounds_of(tmp_path, ["en"], ["welcome"]))

    assert [each.name for each in found if each.is_there] == ["digits/1", "digits/10"]
    assert the(found, "trunkline/welcome").text is None
    assert the(found, NOTICE).text == "This call will be recorded."


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_each_sound_of_ours_is_spoken_as_asterisk_plays_it(tmp_path: Path, language: str) -> None:
    lacking = sounds_of(tmp_path, [language], [])

    for sound in lacking:
        speak(tmp_path, sound)

    assert all(each.is_there for each in sounds_of(tmp_path, [language], []))
    for name in TEXTS:
        with wave.open(str(tmp_path / "data" / "sounds" / language / f"{name}.wav")) as spoken:
            assert (spoken.getframerate(), spoken.getnchannels(), spoken.getsampwidth()) == (8_000, 1, 2)
            samples = array("h", spoken.readframes(spoken.getnframes()))
        assert len(samples) > 1_000
        assert max(map(abs, samples)) > 3_000


def test_a_machine_without_a_voice_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoSpeechError, match="install espeak-ng and sox"):
        speak(tmp_path, the(list(sounds_of(tmp_path, ["en"], [])), NOTICE))
